import { createHash } from "node:crypto";
import { databaseEndpoint } from "../fleet-config/tenant-database.ts";
import type { EndpointSpec, TenantSpec } from "../fleet-config.ts";

/** A private address that one tenant may reach although the others may not. */
export interface EgressException extends EndpointSpec {
  /** Bridge interface of the tenant's network. */
  bridge: string;
}

/** The exceptions of a host's tenants: what their entries list, and the databases that they work on. */
export const egressExceptions = (tenants: TenantSpec[]): EgressException[] =>
  tenants.flatMap(({ bridge, privateEndpoints, database }) => {
    const own = database && databaseEndpoint(database.url);
    const listed = privateEndpoints.some(
      ({ address, port }) => address === own?.address && port === own.port,
    );
    return [...privateEndpoints, ...(own && !listed ? [own] : [])].map(({ address, port }) => ({
      bridge,
      address,
      port,
    }));
  });

/** Where an exception is not about one address: every public one. */
const anyPublic = "any";

/**
 * From where the container that backs tenants up may reach the Postgres of those that work on one, and that alone: at a
 * private address exactly there, otherwise at its port of whatever is public or the tenant may reach itself.
 */
export const backupExceptions = (stack: string, tenants: TenantSpec[]): EgressException[] => {
  const bridge = backupBridge(stack);
  return tenants.flatMap(({ database, privateEndpoints }) => {
    if (!database) return [];
    const own = databaseEndpoint(database.url);
    if (own) return [{ bridge, ...own }];
    const port = Number(new URL(database.url).port || 5432);
    const named = privateEndpoints.filter((endpoint) => endpoint.port === port);
    return [...named.map(({ address }) => ({ bridge, address, port })), { bridge, address: anyPublic, port }];
  });
};

/** The bridge interface of that container's network. */
export const backupBridge = (stack: string): string => `owb${digestOf(stack)}`;

/** The iptables chain of a stack's exceptions; a chain's name has at most 28 characters. */
export const egressChain = (stack: string): string => `OWUI-${digestOf(stack)}`;

const digestOf = (stack: string): string => createHash("sha256").update(stack).digest("hex").slice(0, 8);

/** What egress.sh reads, one line an exception: `bridge address port`; `any` is every public address. */
export const egressLines = (exceptions: EgressException[]): string =>
  [...new Set(exceptions.map(({ bridge, address, port }) => `${bridge} ${address} ${port}\n`))]
    .sort()
    .join("");
