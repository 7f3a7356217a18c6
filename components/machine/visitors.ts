import * as pulumi from "@pulumi/pulumi";
import type { FrontProxy } from "../dns/name-service.ts";
import type { TenantSpec } from "../fleet-config.ts";

/** Who opens a host's sites: everybody, those who stand in front of proxied names alone, or nobody, where there is no site. */
export type Visitors = "everybody" | "proxy" | "nobody";

/** Everybody's addresses. */
export const everywhere = ["0.0.0.0/0", "::/0"];

/** Who opens the sites of a host's tenants, stopped ones included: starting one changes no firewall. */
export function visitorsOf(tenants: Pick<TenantSpec, "proxied">[]): Visitors {
  if (tenants.length === 0) return "nobody";
  return tenants.every(({ proxied }) => proxied) ? "proxy" : "everybody";
}

/** The networks from which ports 80 and 443 are reached; a proxy's as its service tells them in this run. */
export function visitorNetworks(
  visitors: Visitors,
  proxy: Pick<FrontProxy, "networks"> | undefined,
): pulumi.Output<string[]> {
  if (visitors === "nobody") return pulumi.output([]);
  if (visitors === "everybody") return pulumi.output(everywhere);
  if (!proxy) throw new RangeError("a proxied tenant has a proxy: the config's rules see to it");
  return proxy.networks;
}
