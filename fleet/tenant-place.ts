import type { TenantSpec } from "../components/fleet-config.ts";
import { type Invocation, type LastUp, lastUp, noFleet } from "../toolchain/commands/invocation.ts";
import { SetupError } from "../toolchain/setup/problem.mjs";
import { type AskedHost, askedHost } from "./on-host/asked-host.ts";

/** One tenant as the last `up` left it, and the way to its host. */
export interface TenantPlace {
  last: LastUp;
  spec: TenantSpec;
  host: AskedHost;
}

/** Finds a tenant; an unknown one is told with those there are. */
export async function placeOf({ stack }: Invocation, tenant: string): Promise<TenantPlace> {
  const last = await lastUp(stack);
  const spec = last?.fleet.tenants.find(({ id }) => id === tenant);
  const known = last?.fleet.tenants.map(({ id }) => id) ?? [];
  const host = last?.fleet.hosts.find(({ id }) => id === spec?.host);
  if (!last || !spec || !host) throw new SetupError([unknownTenant(stack, tenant, known)]);
  return { last, spec, host: askedHost(host, last.fleet.operators.identity, last) };
}

/**
 * Refuses what works on a tenant's SQLite file, where that is not what it works on any more.
 * @param what is not done, as a sentence's subject: `A rollback`
 */
export function refusePostgres({ spec: { id, database } }: Pick<TenantPlace, "spec">, what: string): void {
  if (!database) return;
  const { host, pathname } = new URL(database.url);
  throw new SetupError([
    {
      what: `${what} does not reach the live database of ${id}: it is a Postgres, ${host}${pathname}.`,
      why: "It would put SQLite files in a place where nothing uses them.",
      remedy: `Have whoever runs that server bring it back there; npx fleet promote ${id} --rollback goes back to SQLite as long as its promotion is not confirmed.`,
    },
  ]);
}

export const unknownTenant = (stack: string, tenant: string, known: readonly string[]) => ({
  what: `Stack ${stack} has no tenant "${tenant}".`,
  why: known.length > 0 ? `Its tenants are: ${known.join(", ")}.` : noFleet(stack).trim(),
  remedy: "Name one of its tenants, or add it to the stack's config and run `npm run up`.",
});
