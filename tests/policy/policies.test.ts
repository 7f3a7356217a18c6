import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { expect, test } from "vitest";
import { dataHome } from "../../components/host/local.ts";
import { type Container, containerType } from "../../policy/container.ts";
import { policies } from "../../policy/policies.ts";
import { tenantContainer } from "./container.ts";

/** Names of the rules a resource violates, found as the engine finds them. */
async function violated(resource: Partial<ResourceValidationArgs>, roots: string[] = []): Promise<string[]> {
  const args = {
    urn: "urn:pulumi:local::fleet::type::name",
    opts: { protect: false },
    getConfig: () => ({ roots }),
    ...resource,
  };
  const names: string[] = [];
  for (const { name, validateResource } of policies.filter(isOfResources))
    await [validateResource].flat()[0]?.(args as unknown as ResourceValidationArgs, () => names.push(name));
  return names;
}

const isOfResources = (policy: object): policy is ResourceValidationPolicy => "validateResource" in policy;

const container = (changes: Partial<Container>) => ({ type: containerType, props: tenantContainer(changes) });

const inDataRoot = { mounts: [{ type: "bind", source: `${dataHome()}/local/tenants/acme`, target: "/x" }] };

test("a tenant bound to its stack's data root violates nothing", async () => {
  expect(await violated(container(inDataRoot))).toEqual([]);
});

test("another stack's data root is none of its own", async () => {
  const urn = "urn:pulumi:staging::fleet::type::name";
  expect(await violated({ ...container(inDataRoot), urn })).toEqual(["container-binds-data-root"]);
});

test("a root of a host that names one is accepted once it is configured", async () => {
  const bound = container({ mounts: [{ type: "bind", source: "/srv/fleet/nginx", target: "/x" }] });
  expect(await violated(bound)).toEqual(["container-binds-data-root"]);
  expect(await violated(bound, ["/srv/fleet"])).toEqual([]);
});

test("each rule is called for the resources it is about", async () => {
  const socket = [{ type: "bind", source: "/run/docker.sock", target: "/run/docker.sock" }];
  expect(await violated(container({ privileged: true, memory: 0, mounts: socket }))).toEqual([
    "container-unprivileged",
    "container-without-engine-socket",
    "container-binds-data-root",
    "tenant-isolated",
  ]);
  expect(await violated({ type: "postgresql:index/database:Database", props: {} })).toEqual([
    "data-protected",
  ]);
  expect(await violated({ type: "random:index/randomPassword:RandomPassword", props: {} })).toEqual([]);
});
