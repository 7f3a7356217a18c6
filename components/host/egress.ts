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

/** The iptables chain of a stack's exceptions; a chain's name has at most 28 characters. */
export const egressChain = (stack: string): string =>
  `OWUI-${createHash("sha256").update(stack).digest("hex").slice(0, 8)}`;

/** What egress.sh reads, one line an exception: `bridge address port`. */
export const egressLines = (exceptions: EgressException[]): string =>
  exceptions
    .map(({ bridge, address, port }) => `${bridge} ${address} ${port}\n`)
    .sort()
    .join("");
