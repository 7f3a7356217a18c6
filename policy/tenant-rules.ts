import type { PolicyResource } from "@pulumi/policy";
import { type Container, containerType, isTenant } from "./container.ts";

/** What every tenant's container has, and why. The provider fills in networkMode bridge where a network is named. */
const expectations: { has: (container: Container) => boolean; else: string }[] = [
  {
    has: ({ memory }) => memory !== undefined && memory > 0,
    else: "has no memory limit, so it can starve every other tenant. Set memory.",
  },
  {
    has: ({ healthcheck }) => (healthcheck?.tests ?? []).length > 0,
    else: "has no health check, so a hung tenant goes unnoticed. Set healthcheck.",
  },
  {
    has: ({ logOpts }) => logOpts?.["max-size"] !== undefined,
    else: "rotates no logs, so they can fill the host's disk. Set logOpts max-size.",
  },
  {
    has: ({ securityOpts = [] }) =>
      securityOpts.some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
    else: "may gain privileges through setuid programs. Add no-new-privileges:true to securityOpts.",
  },
  {
    has: ({ capabilities }) => (capabilities?.drops ?? []).includes("ALL"),
    else: "keeps Docker's default capabilities. Drop ALL and add back what it needs.",
  },
  {
    has: ({ networkMode, networksAdvanced = [] }) =>
      (networkMode ?? "bridge") === "bridge" && networksAdvanced.length === 1,
    else: "is not on exactly one network of its own, so it may reach the host or other tenants. Give it one entry in networksAdvanced and no networkMode.",
  },
  {
    has: ({ ports = [] }) => ports.every(({ ip }) => ip === "127.0.0.1"),
    else: "publishes a port beyond the host's loopback, past nginx. Set the port's ip to 127.0.0.1.",
  },
];

/** What a tenant's container lacks; other containers lack nothing. */
export const isolatedTenant = (container: Container): string[] =>
  isTenant(container)
    ? expectations
        .filter(({ has }) => !has(container))
        .map(({ else: lack }) => `The tenant's container ${lack}`)
    : [];

/** A resource as far as sharing goes; what an unknown network will be called does not matter, which one it is does. */
type Networked = Pick<PolicyResource, "type" | "urn" | "name" | "props" | "propertyDependencies">;

/** Tenants whose network resource another tenant is on too. */
export function sharedNetworks(resources: Networked[]): { urn: string; message: string }[] {
  const owners = new Map<string, string>();
  const tenants = resources.filter(
    ({ type, props }) => type === containerType && isTenant(props as Container),
  );
  return tenants.flatMap(({ urn, name, propertyDependencies }) =>
    (propertyDependencies.networksAdvanced ?? []).flatMap((network) => {
      const owner = owners.get(network.urn);
      owners.set(network.urn, owner ?? name);
      return owner === undefined
        ? []
        : [{ urn, message: `${name} is on the network of ${owner}. Give each tenant a network of its own.` }];
    }),
  );
}
