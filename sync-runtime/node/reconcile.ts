import type { Inventory } from "../protocol/message.ts";
import type { Deployment } from "./tenant-state.ts";

/** What can be said against a declaration, by what agents report. */
export type Disagreement =
  /** The agent of its host could not be asked: nothing is known of it. */
  | "host-not-reached"
  /** Its host has no data directory of it. */
  | "not-found"
  /** Another host has a data directory of it as well, or instead. */
  | "found-elsewhere"
  /** Its data directory holds no database. */
  | "no-database"
  /** Nothing shows whose data its directory holds. */
  | "no-identity";

/** What an agent found of one tenant. */
export type Found = Inventory["tenants"][number];

/** A tenant as it is declared, beside what its host's agent found of it. */
export interface Reconciled {
  declared: Deployment;
  /** Null: nothing was found there, or the agent could not be asked. */
  reported: Found | null;
  differences: Disagreement[];
}

/** Data that agents found of tenants that are not declared: retired ones, and strangers. */
export interface Undeclared {
  host: string;
  client: string;
}

/**
 * Lays what is declared beside what agents report; pure. Nothing is decided here: a difference is shown to whoever asks,
 * and somebody has to know which side is right.
 * @param reported by host, what its agent found; undefined where it could not be asked
 */
export function reconcile(
  declared: readonly Deployment[],
  reported: ReadonlyMap<string, Inventory | undefined>,
): { tenants: Reconciled[]; undeclared: Undeclared[] } {
  const present = declared.filter(({ status }) => status !== "retired" && status !== "erased");
  const names = new Set(present.map(({ client }) => client));
  const found = [...reported].flatMap(([host, inventory]) =>
    (inventory?.tenants ?? []).map((tenant) => ({ host, tenant })),
  );
  const tenants = present.map((deployment) => {
    const own = found.filter(({ tenant }) => tenant.id === deployment.client);
    const at = own.find(({ host }) => host === deployment.host)?.tenant ?? null;
    const elsewhere = own.some(({ host }) => host !== deployment.host);
    const reached = reported.get(deployment.host) !== undefined;
    return { declared: deployment, reported: at, differences: differencesOf(at, { reached, elsewhere }) };
  });
  const undeclared = found
    .filter(({ tenant }) => !names.has(tenant.id))
    .map(({ host, tenant }) => ({ host, client: tenant.id }));
  return { tenants, undeclared };
}

function differencesOf(
  found: Found | null,
  { reached, elsewhere }: { reached: boolean; elsewhere: boolean },
): Disagreement[] {
  const differences: Disagreement[] = [];
  if (!reached) differences.push("host-not-reached");
  else if (found === null) differences.push("not-found");
  else if (!found.database.exists) differences.push("no-database");
  if (found !== null && found.identity === null) differences.push("no-identity");
  if (elsewhere) differences.push("found-elsewhere");
  return differences;
}
