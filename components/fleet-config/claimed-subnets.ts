import type { Draft } from "./draft.ts";
import { subnetAround } from "./network-address.ts";
import { freeSubnet, subnetOf } from "./placement.ts";
import type { Problem } from "./problem.ts";

/** A tenant's network, explicit or from its name. */
interface Claim {
  tenant: string;
  host: string;
  subnet: string;
  derived: boolean;
}

/** Subnets are aligned and of one size, so two of them overlap only when they are equal. */
export function subnetClashes(draft: Draft): Problem[] {
  const claims = claimsOf(draft);
  return claims.flatMap(({ tenant, host, subnet, derived }, index) => {
    const earlier = claims.slice(0, index).find((other) => other.host === host && other.subnet === subnet);
    if (!earlier) return [];
    const taken = new Set(claims.filter((other) => other.host === host).map((other) => other.subnet));
    return [
      {
        path: `tenants.${tenant}.subnet`,
        found: `${subnet}${derived ? " (from the tenant's name)" : ""}, which tenants.${earlier.tenant} already has on host "${host}"`,
        remedy: `set tenants.${tenant}.subnet to ${freeSubnet(subnet, taken)}, which is free there`,
      },
    ];
  });
}

/** An exception for a private address must not open another tenant's network. */
export function endpointsInTenantNetworks(draft: Draft): Problem[] {
  const claims = claimsOf(draft);
  return draft.tenants.flatMap(({ id, host, privateEndpoints = [] }) =>
    privateEndpoints.flatMap(({ address, port }, index) => {
      const subnet = subnetAround(address);
      const owner = claims.find(
        (claim) => claim.subnet === subnet && claim.host === host && claim.tenant !== id,
      );
      if (!owner) return [];
      return [
        {
          path: `tenants.${id}.privateEndpoints[${index}]`,
          found: `"${address}:${port}", which lies in the network of tenants.${owner.tenant}`,
          remedy: "remove it: no tenant reaches another tenant's network",
        },
      ];
    }),
  );
}

const claimsOf = ({ tenants }: Draft): Claim[] =>
  tenants
    .filter((tenant) => "subnet" in tenant)
    .flatMap(({ id, host, subnet }) =>
      host === undefined
        ? []
        : [{ tenant: id, host, subnet: subnet ?? subnetOf(id), derived: subnet === undefined }],
    )
    .sort((a, b) => Number(a.derived) - Number(b.derived));
