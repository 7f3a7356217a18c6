import { describe, expect, test } from "vitest";
import { type Container, containerType } from "../../policy/container.ts";
import { isolatedTenant, sharedNetworks } from "../../policy/tenant-rules.ts";
import { tenantContainer } from "./container.ts";

describe("a tenant's container", () => {
  test("passes as the components declare it", () => {
    expect(isolatedTenant(tenantContainer())).toEqual([]);
  });

  test.each<[string, Partial<Container>, RegExp]>([
    ["a memory limit", { memory: undefined }, /no memory limit/],
    ["a health check", { healthcheck: undefined }, /no health check/],
    ["log rotation", { logOpts: { "max-file": "3" } }, /rotates no logs/],
    ["no-new-privileges", { securityOpts: ["seccomp=unconfined"] }, /may gain privileges/],
    ["no-new-privileges switched off", { securityOpts: ["no-new-privileges:false"] }, /may gain privileges/],
    ["dropped capabilities", { capabilities: { adds: ["CAP_CHOWN"] } }, /default capabilities/],
    ["a network", { networksAdvanced: [] }, /exactly one network/],
    ["only one network", { networksAdvanced: [{ name: "a" }, { name: "b" }] }, /exactly one network/],
    ["no host network", { networkMode: "host" }, /exactly one network/],
    ["ports on loopback", { ports: [{ internal: 8080, external: 8080 }] }, /beyond the host's loopback/],
    ["no other address", { ports: [{ internal: 8080, ip: "0.0.0.0" }] }, /beyond the host's loopback/],
  ])("fails without %s", (_, changes, lack) => {
    expect(isolatedTenant(tenantContainer(changes))).toEqual([expect.stringMatching(lack)]);
  });

  test("reports everything it lacks at once", () => {
    expect(isolatedTenant({ image: "x", labels: [{ label: "owui.role", value: "tenant" }] })).toHaveLength(6);
  });

  test("is told by its label: nginx lives by other rules", () => {
    const labels = [{ label: "owui.role", value: "nginx" }];
    expect(isolatedTenant({ image: "nginx", labels, networkMode: "host" })).toEqual([]);
  });
});

describe("tenants' networks", () => {
  const network = (name: string) => ({ urn: `urn:network:${name}` });
  const tenant = (name: string, net: string) => ({
    type: containerType,
    urn: `urn:container:${name}`,
    name,
    props: tenantContainer(),
    propertyDependencies: { networksAdvanced: [network(net)] },
  });
  const shared = (...resources: object[]) =>
    sharedNetworks(resources as Parameters<typeof sharedNetworks>[0]);

  test("pass when each tenant has its own", () => {
    expect(shared(tenant("acme", "a"), tenant("globex", "b"))).toEqual([]);
  });

  test("fail when two tenants are on one, even before it has an id", () => {
    expect(shared(tenant("acme", "a"), tenant("globex", "a"), tenant("initech", "a"))).toEqual([
      {
        urn: "urn:container:globex",
        message: "globex is on the network of acme. Give each tenant a network of its own.",
      },
      {
        urn: "urn:container:initech",
        message: "initech is on the network of acme. Give each tenant a network of its own.",
      },
    ]);
  });

  test("pass when nodes share theirs", () => {
    const node = (name: string) => ({ ...tenant(name, "control"), props: { labels: [] } });
    expect(shared(node("a"), node("b"))).toEqual([]);
  });
});
