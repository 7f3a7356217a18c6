import type { Fleet } from "../../components/fleet-config.ts";
import type { Connection } from "../../sync-runtime/database/connection.ts";
import type { LastUp } from "../../toolchain/commands/invocation.ts";
import { type Backend, backendOf } from "../../toolchain/setup/backend.ts";
import { replicasConnection } from "../commands/replicas-connection.ts";
import { type AskedHost, askedHost } from "../on-host/asked-host.ts";
import { type OnHost, onHost } from "./host.ts";
import { isNothing, type Left, leftOfTenant } from "./replica.ts";
import { administrator, olderStates, resourcesOf, stateOfTenant } from "./state.ts";

/** Whose traces are looked for, and where. */
export interface Scope {
  stack: string;
  tenant: string;
  /** Names that it had. */
  domains: readonly string[];
  hosts: readonly AskedHost[];
  administrator: Connection;
  backend: Backend;
  /** The folder on each host that holds the backups' repositories; undefined where they are elsewhere, or none are made. */
  backups: string | undefined;
  /** Where else they are kept, in words. */
  keptElsewhere: string | undefined;
}

/** Everything that was found of a tenant. */
export interface Survey {
  /** By host. */
  hosts: Record<string, OnHost>;
  database: Left;
  /** URNs of what the stack's state holds. */
  state: string[];
  /** Files of older states that name it; null where they are not on this machine. */
  older: string[] | null;
}

/** The places where a tenant of a stack can have left anything. */
export async function scopeOf(
  { fleet, ...last }: LastUp,
  { tenant, domains }: { tenant: string; domains: readonly string[] },
): Promise<Scope> {
  const { stack } = fleet;
  const backend = backendOf(stack);
  const resources = await resourcesOf(stack, backend, ["--show-secrets"]);
  const whole = { fleet, ...last };
  return {
    ...{ stack, tenant, domains, backend, ...repositoryOf(fleet) },
    hosts: fleet.hosts.map((spec) => askedHost(spec, fleet.operators.identity, whole)),
    administrator: administrator(resources, replicasConnection(stack, whole)),
  };
}

/** Where a fleet's backups are. */
function repositoryOf({ backups }: Fleet): Pick<Scope, "backups" | "keptElsewhere"> {
  const repository = backups?.repository;
  if (repository?.kind === "folder") return { backups: repository.path, keptElsewhere: undefined };
  if (!repository) return { backups: undefined, keptElsewhere: undefined };
  const keptElsewhere =
    repository.kind === "s3"
      ? `bucket ${repository.bucket} at ${repository.endpoint}${repository.prefix ? `, below ${repository.prefix}` : ""}`
      : `${repository.path} of ${repository.address}`;
  return { backups: undefined, keptElsewhere };
}

/** Looks everywhere, and changes nothing. */
export async function survey(scope: Scope): Promise<Survey> {
  const { stack, tenant, hosts, backend } = scope;
  const [found, database, resources] = await Promise.all([
    Promise.all(hosts.map(async (host) => [host.spec.id, await onHost(host, scope, "look")] as const)),
    leftOfTenant(scope.administrator, tenant),
    resourcesOf(stack, backend),
  ]);
  return {
    hosts: Object.fromEntries(found),
    database,
    state: stateOfTenant(resources, tenant),
    older: backend.kind === "file" ? await olderStates(stack, tenant) : null,
  };
}

/** What is left, a line for each place; nothing where the tenant is erased. Pure. */
export function leftovers({ hosts, database, state, older }: Survey): string[] {
  const lines = Object.entries(hosts).flatMap(([id, { things }]) =>
    things.map(({ kind, what }) => `${kind} ${what} on host ${id}`),
  );
  if (!isNothing(database.found)) lines.push(`in the database: ${countsText(database.found)}`);
  if (state.length > 0) lines.push(`${state.length} resources in the stack's state`);
  if (older !== null && older.length > 0) lines.push(`${older.length} older states of the stack`);
  return lines;
}

/** `1 schemas, 43 tables, 412 rows`; "nothing" of zeros. Pure. */
export function countsText(found: Record<string, number>): string {
  const there = Object.entries(found).filter(([, count]) => count > 0);
  return there.length === 0 ? "nothing" : there.map(([kind, count]) => `${count} ${kind}`).join(", ");
}
