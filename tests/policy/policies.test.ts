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
    getConfig: () => ({ roots, written: [], bases: {}, allowed: true }),
    ...resource,
  };
  const names: string[] = [];
  for (const { name, validateResource } of policies.filter(isOfResources))
    await [validateResource].flat()[0]?.(args as unknown as ResourceValidationArgs, () => names.push(name));
  return names;
}

const isOfResources = (policy: object): policy is ResourceValidationPolicy => "validateResource" in policy;

const container = (changes: Partial<Container>) => ({ type: containerType, props: tenantContainer(changes) });

const inDataRoot = {
  mounts: [{ type: "bind", source: `${dataHome()}/local/tenants/acme/data`, target: "/x" }],
};

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
  const exposed = {
    image: "nginx:stable",
    envs: ["X_TOKEN=abc", "WEBUI_NAME=Acme"],
    capabilities: { adds: ["CAP_SYS_ADMIN"], drops: ["ALL"] },
    mounts: [{ type: "bind", source: `${dataHome()}/local/tenants`, target: "/x" }],
    ports: [{ internal: 8080, ip: "0.0.0.0" }],
  };
  expect(await violated(container(exposed))).toEqual([
    "container-confined",
    "container-ports-named",
    "container-image-fixed",
    "secrets-in-files",
    "tenant-isolated",
    "tenant-data-writers",
    "branding-basis",
  ]);
  const firewall = { inboundRules: [{ protocol: "tcp", portRange: "22", sourceAddresses: ["0.0.0.0/0"] }] };
  expect(await violated({ type: "digitalocean:index/firewall:Firewall", props: firewall })).toEqual([
    "firewall-closed",
  ]);
  expect(await violated({ type: "digitalocean:index/droplet:Droplet", props: { sshKeys: [] } })).toEqual([
    "droplet-with-key",
    "data-protected",
  ]);
  expect(
    await violated({ type: "command:local:Command", props: { create: "PASSWORD=hunter2 sh x" } }),
  ).toEqual(["secrets-in-files"]);
  expect(await violated({ type: "postgresql:index/database:Database", props: {} })).toEqual([
    "data-protected",
  ]);
  expect(await violated({ type: "random:index/randomPassword:RandomPassword", props: {} })).toEqual([]);
});
