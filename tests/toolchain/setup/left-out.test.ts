import { describe, expect, it } from "vitest";
import type { Fleet } from "../../../components/fleet-config.ts";
import { leftOut } from "../../../components/machine/left-out.ts";
import { leaveOut, resourcesOf } from "../../../toolchain/setup/left-out.ts";
import type { CheckpointResource } from "../../../toolchain/setup/stack-state.ts";

const urn = (type: string, name: string) => `urn:pulumi:staging::open-webui-infrastructure::${type}::${name}`;
const command = "command:local:Command";
const container = "docker:index/container:Container";

/** A host with a tenant and a node, as a state has them. */
const stateOf = (host: string, address: string, tenant: string): CheckpointResource[] => {
  const reaching = { interpreter: ["ssh", "-o", "BatchMode=yes", `qbmgr@${address}`] };
  const [machine, client, home] = [
    urn("owui:fleet:Machine", `${host}-machine`),
    urn("owui:fleet:ClientHost", host),
    urn("owui:fleet:Tenant", tenant),
  ];
  const provider = `${urn("pulumi:providers:docker", `${host}-docker`)}::${host}`;
  const made = (type: string, name: string, parent: string, more: Partial<CheckpointResource> = {}) => ({
    ...{ urn: urn(type, name), type, custom: true, parent, id: name },
    ...more,
  });
  return [
    { urn: machine, type: "owui:fleet:Machine", custom: false },
    made("digitalocean:index/droplet:Droplet", `${host}-machine-droplet`, machine),
    made(command, `${host}-machine-toolbox`, machine, { inputs: reaching }),
    { urn: client, type: "owui:fleet:ClientHost", custom: false },
    made("pulumi:providers:docker", `${host}-docker`, client, { id: host }),
    made(container, `${host}-nginx`, client, { provider }),
    { urn: home, type: "owui:fleet:Tenant", custom: false },
    made(container, `${tenant}-container`, home, { provider }),
    made("cloudflare:index/dnsRecord:DnsRecord", `${tenant}-record`, home),
    made(command, `${tenant}-brand`, home, {
      inputs: { interpreter: ["/bin/sh", "-c"], create: `node render | 'ssh' 'qbmgr@${address}' 'sh -c x'` },
    }),
    made(container, `main-node-${host}`, urn("owui:fleet:SyncCluster", "main"), { provider }),
    made(command, `main-node-${host}-home`, urn("owui:fleet:SyncCluster", "main"), { inputs: reaching }),
  ];
};
const shared: CheckpointResource[] = [
  { urn: urn("owui:fleet:SyncCluster", "main"), type: "owui:fleet:SyncCluster", custom: false },
  {
    ...{ urn: urn(command, "main-intent"), type: command, custom: true },
    ...{ parent: urn("owui:fleet:SyncCluster", "main"), inputs: { create: "node apply.ts" } },
  },
];
// One's address begins as the other's does.
const [one, other] = [stateOf("fra1-a", "198.18.0.1", "acme"), stateOf("fra1-b", "198.18.0.11", "globex")];
const resources = [...shared, ...one, ...other];
const checkpoint = { checkpoint: { latest: { resources } } };
const fleet = {
  hosts: [
    ...[
      ["fra1-a", "digitalocean"],
      ["fra1-b", "digitalocean"],
      ["fra1-c", "ssh"],
      ["local", "local"],
    ].map(([id, kind]) => ({ id, kind })),
  ],
  tenants: [
    { id: "acme", host: "fra1-a" },
    { id: "globex", host: "fra1-b" },
  ],
} as unknown as Pick<Fleet, "hosts" | "tenants">;

describe("what belongs to a host", () => {
  it("is its machine, what runs there, its tenants with their names, and what reaches it by ssh", () => {
    expect(resourcesOf("fra1-a", resources).sort()).toEqual(one.map(({ urn }) => urn).sort());
    expect(resourcesOf("fra1-b", resources).sort()).toEqual(other.map(({ urn }) => urn).sort());
  });
});

describe("a run without a host", () => {
  it("excludes all of it, tells the program, and expects nothing of its tenants", () => {
    const { flags, environment, tenants } = leaveOut(["fra1-b"], fleet, checkpoint);
    expect(flags.filter((flag) => flag !== "--exclude").sort()).toEqual(other.map(({ urn }) => urn).sort());
    expect(flags).toHaveLength(2 * other.length);
    expect(leftOut(environment)).toEqual(["fra1-b"]);
    expect(tenants).toEqual(["globex"]);
  });

  it("is any other run where none is named", () => {
    expect(leaveOut([], fleet, undefined)).toEqual({ flags: [], environment: {}, tenants: [] });
  });

  it.each([
    [
      "a host that nobody declared",
      ["fra9"],
      /Host fra9 cannot be left out[\s\S]*fra1-a, fra1-b, fra1-c, local/,
    ],
    ["this machine", ["local"], /Host local cannot be left out[\s\S]*this machine/],
    ["a host that was never set up", ["fra1-c"], /Host fra1-c cannot be left out[\s\S]*never set up/],
  ])("cannot be without %s", (_, hosts, said) => {
    expect(() => leaveOut(hosts, fleet, checkpoint)).toThrow(said);
  });

  it("refuses a tenant that would have to be made there", () => {
    const tenants = [...fleet.tenants, { id: "hooli", host: "fra1-b" }] as Fleet["tenants"];
    expect(() => leaveOut(["fra1-b"], { ...fleet, tenants }, checkpoint)).toThrow(
      /Tenant hooli cannot be made on host fra1-b/,
    );
  });
});
