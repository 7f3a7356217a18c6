import { type Claim, clashes, explicitFirst } from "./claim.ts";
import type { Draft } from "./draft.ts";
import { subnetAround } from "./network-address.ts";
import { nextSubnet, subnetOf } from "./placement.ts";
import type { Problem } from "./problem.ts";
import { databaseEndpoint } from "./tenant-database.ts";

/** Subnets are aligned and of one size, so two of them overlap only when they are equal. */
export const subnetClashes = (draft: Draft): Problem[] =>
  clashes(subnetClaims(draft), (_, subnet) => nextSubnet(subnet));

/** An exception for a private address must not open another tenant's network. */
export function endpointsInTenantNetworks(draft: Draft): Problem[] {
  const claims = subnetClaims(draft);
  return draft.tenants.flatMap(({ id, host, privateEndpoints = [], database }) => {
    const own = database && databaseEndpoint(database.url);
    const endpoints = [
      ...privateEndpoints.map((endpoint, index) => ({ ...endpoint, field: `privateEndpoints[${index}]` })),
      ...(own ? [{ ...own, field: "database.url" }] : []),
    ];
    return endpoints.flatMap(({ address, port, field }) => {
      const own = `tenants.${id}.subnet`;
      const owner = claims.find(
        (claim) => claim.value === subnetAround(address) && claim.host === host && claim.path !== own,
      );
      if (!owner) return [];
      return [
        {
          path: `tenants.${id}.${field}`,
          found: `"${address}:${port}", which lies in ${owner.path}, ${owner.value}`,
          remedy: "remove it: no tenant reaches another tenant's network",
        },
      ];
    });
  });
}

/** A tenant whose subnet is there but wrong claims none. */
const subnetClaims = ({ stack, tenants }: Draft): Claim<string>[] =>
  explicitFirst(
    tenants
      .filter((tenant) => "subnet" in tenant)
      .map(({ id, host, subnet }) => ({
        host,
        path: `tenants.${id}.subnet`,
        value: subnet ?? subnetOf(stack, id),
        derived: subnet === undefined,
      })),
  );
