import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../../components/certificate-authority.ts";
import { ClientHost } from "../../../components/client-host.ts";
import { hostEntry } from "../../../components/fleet-config/host-entry.ts";
import { hostSpecOf } from "../../../components/fleet-config/host-spec.ts";
import type { HostSpec } from "../../../components/fleet-config.ts";
import { declareMachines } from "../../../components/machine.ts";
import { type Declaration, declaredBy, isSecret, plain, unknown } from "../engine.ts";
import { syncSpec, tenantSpec } from "../specs.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFlq1JcvgyYQ3VdNoA8tk8SxOhV6kKvA2Qm4R1GmPwZ";
const where = { repository: "/repository", dataHome: "/data" };

const host = (id: string, entry: object): HostSpec =>
  hostSpecOf("staging", id, hostEntry.parse(entry), where);

const control = host("control", { kind: "digitalocean", region: "fra1", size: "s-2vcpu-4gb" });
const droplet = host("fra1-a", {
  ...{ kind: "digitalocean", region: "fra1", size: "s-4vcpu-8gb", volume: "100GB" },
});
const server = host("old", {
  ...{ kind: "ssh", address: "203.0.113.20", user: "admin", hostKey: `${key} root@old` },
});

const elsewhere = host("nyc3-a", { kind: "digitalocean", region: "nyc3", size: "s-2vcpu-4gb" });

const operators = {
  keys: [`${key} ann@example`],
  addresses: ["203.0.113.7/32"],
  identity: "~/.ssh/fleet",
};

/** Of the proxy that stands before proxied tenants. */
const networks = ["198.51.100.0/24", "2001:db8::/32"];

/** What else the machines follow from: nodes on these hosts, the first of which watches them. */
const declaration = (
  hosts: HostSpec[],
  { controls = ["control"], tenants = [tenantSpec({ host: "fra1-a" })] } = {},
) => ({
  ...{ stack: "staging", hosts, operators, tenants, monitoring: { enabled: true } },
  proxy: { networks: pulumi.output(networks) },
  sync: {
    host: controls[0] ?? "",
    nodes: controls.map((host, index) => ({ id: `${index}`, host, port: 9443 + index })),
  },
});

const declared = (
  hosts: HostSpec[],
  { preview = false, ...also }: { preview?: boolean } & Parameters<typeof declaration>[1] = {},
) =>
  declaredBy(
    () => {
      for (const machine of declareMachines(declaration(hosts, also))) {
        const { id } = machine.spec;
        machine.command(`${id}-trial`, { create: [{ script: "pids-limit", variables: { PIDS: 1 } }] }, {});
      }
    },
    { preview },
  );

/** A control host and a host with a volume, both droplets of one region. */
const fleet = await declared([droplet, control]);
const inputs = (name: string) => fleet.one(name).inputs;

describe("a droplet", () => {
  it("is made with nobody's key, in the private network of its region, behind a firewall that is there before it", () => {
    expect(inputs("fra1-a-machine-droplet")).toMatchObject({
      name: "owui-staging-fra1-a",
      region: "fra1",
      size: "s-4vcpu-8gb",
      image: "debian-12-x64",
      vpcUuid: "cloud-network-fra1-id",
      sshKeys: ["fingerprint of cloud-ssh-key"],
      volumeIds: ["fra1-a-machine-volume-id"],
      tags: ["owui-staging", "owui-staging-fra1-a"],
      gracefulShutdown: true,
      resizeDisk: false,
    });
    expect(fleet.one("fra1-a-machine-droplet").after).toContain("fra1-a-machine-firewall");
    expect(inputs("fra1-a-machine-firewall").tags).toEqual(["owui-staging-fra1-a"]);
  });

  it("is protected with its volume and its address", () => {
    const protectedOnes = fleet.all.filter(({ protect }) => protect).map(({ name }) => name);
    expect(protectedOnes.sort()).toEqual([
      "control-machine-address",
      "control-machine-droplet",
      "fra1-a-machine-address",
      "fra1-a-machine-droplet",
      "fra1-a-machine-volume",
    ]);
  });

  it("keeps its user-data, a secret, whatever the set-up says later, until its generation is counted up", async () => {
    const kept = fleet.one("fra1-a-machine-user-data");
    expect(kept.ignored).toEqual(["create", "stdin"]);
    expect(isSecret(kept.inputs.stdin)).toBe(true);
    expect(plain(kept.inputs.stdin)).toContain("private key of fra1-a-machine-first-host-key");
    expect(plain(kept.inputs.stdin)).not.toContain("private key of fra1-a-machine-host-key");
    expect(isSecret(inputs("fra1-a-machine-droplet").userData)).toBe(true);
    const again = await declared([control, { ...droplet, generation: 2 } as HostSpec]);
    const next = again.one("fra1-a-machine-user-data-2");
    // Whatever else stayed as it was: the same text would keep the droplet that is there.
    expect(plain(next.inputs.stdin)).toContain("private key of fra1-a-machine-first-host-key-2");
    expect(again.below("fra1-a-machine")).toContain("fra1-a-machine-host-key");
  });

  it("lets operators in at 22, the world at 80 and 443, and the control host alone at the agent's port", () => {
    const rules = inputs("fra1-a-machine-firewall").inboundRules;
    expect(rules).toEqual([
      { protocol: "tcp", portRange: "22", sourceAddresses: ["203.0.113.7/32"] },
      { protocol: "tcp", portRange: "80", sourceAddresses: ["0.0.0.0/0", "::/0"] },
      { protocol: "tcp", portRange: "443", sourceAddresses: ["0.0.0.0/0", "::/0"] },
      { protocol: "tcp", portRange: "8050", sourceTags: ["owui-staging-control"] },
      { protocol: "icmp", sourceAddresses: ["0.0.0.0/0", "::/0"] },
    ]);
    expect(JSON.stringify(inputs("control-machine-firewall").inboundRules)).not.toContain("8050");
  });

  it("has no door at 80 and 443 while no tenant is on it", () => {
    const ports = inputs("control-machine-firewall").inboundRules.map(
      ({ portRange }: { portRange?: string }) => portRange,
    );
    expect(ports).toEqual(["22", undefined]);
    expect(inputs("control-machine-set-up").create).toContain("WEB_ADDRESSES='\\'''\\''");
    expect(inputs("fra1-a-machine-set-up").create).toContain("WEB_ADDRESSES='\\''0.0.0.0/0 ::/0'\\''");
  });

  it("lets the proxy alone in at 80 and 443 when every tenant on it is proxied", async () => {
    const proxied = tenantSpec({ host: "fra1-a", proxied: true });
    const behind = await declared([control, droplet], { tenants: [proxied] });
    const rules = behind.one("fra1-a-machine-firewall").inputs.inboundRules;
    expect(rules.slice(1, 3)).toEqual([
      { protocol: "tcp", portRange: "80", sourceAddresses: networks },
      { protocol: "tcp", portRange: "443", sourceAddresses: networks },
    ]);
    const set = "WEB_ADDRESSES='\\''198.51.100.0/24 2001:db8::/32'\\''";
    expect(behind.one("fra1-a-machine-set-up").inputs.create).toContain(set);
    const direct = tenantSpec({ id: "globex", host: "fra1-a", running: false });
    const mixed = await declared([control, droplet], { tenants: [proxied, direct] });
    expect(mixed.one("fra1-a-machine-firewall").inputs.inboundRules[1].sourceAddresses).toEqual([
      "0.0.0.0/0",
      "::/0",
    ]);
  });

  it("is first met by the key of its user-data, and from then on by one that no user-data held", () => {
    const { create, stdin } = inputs("fra1-a-machine-met");
    const [first = "", steps = ""] = create
      .split("FIRST=")[1]
      .split("sh components/machine/await-machine.sh");
    expect(first).toContain(
      "/bin/echo address of fra1-a-machine-address open key of fra1-a-machine-first-host-key",
    );
    expect(create.split("FIRST=")[0]).toContain("open key of fra1-a-machine-host-key");
    expect(steps).toContain("cloud-init status --wait");
    expect(steps).toContain("open key of fra1-a-machine-host-key");
    expect(isSecret(stdin)).toBe(true);
    expect(plain(stdin)).toBe("openssh private key of fra1-a-machine-host-key");
  });

  it("is set up over ssh with what is known then: its volume, and where its agent is called from", () => {
    const { create } = inputs("fra1-a-machine-set-up");
    expect(create).toContain("VOLUME='\\''owui-staging-fra1-a'\\''");
    expect(create).toContain(
      "AGENT_FROM='\\''private of control-machine-droplet public of control-machine-droplet'\\''",
    );
    expect(inputs("control-machine-set-up").create).toContain("AGENT_FROM='\\'''\\''");
  });
});

describe("a command of a remote machine", () => {
  it("runs as root over ssh, once the machine is set up, and again on another machine", async () => {
    const { interpreter, create, environment } = inputs("fra1-a-trial");
    expect(interpreter.at(0)).toBe("ssh");
    expect(interpreter.at(-1)).toBe("qbmgr@address of fra1-a-machine-address");
    expect(interpreter).toContain("StrictHostKeyChecking=yes");
    expect(interpreter).toContain("IdentityFile=~/.ssh/fleet");
    expect(create).toBe("sudo -n sh -c 'PIDS='\\''1'\\'' sh /usr/local/lib/fleet/pids-limit.sh'");
    expect(environment.RUN_AGAIN_FOR).toMatch(/^[0-9a-f]{16}fra1-a-machine-droplet-id$/);
    expect(fleet.one("fra1-a-trial").after).toContain("fra1-a-machine-set-up");
  });

  it("is not known in the first preview", async () => {
    const preview = await declared([control, droplet], { preview: true });
    expect(preview.one("fra1-a-trial").inputs.interpreter).toEqual(unknown);
  });
});

/** Hosts on a control host and a droplet. */
const hosts = ({ preview = false, controls = ["control"] } = {}) =>
  declaredBy(
    () => {
      const authority = new CertificateAuthority("authority", { generation: 1 });
      const tenants = [
        tenantSpec({ host: "fra1-a", certificate: "acme" }),
        tenantSpec({ id: "globex", host: "fra1-a", certificate: "acme", running: false }),
      ];
      const { sync, ...fleet } = declaration([control, droplet], { controls, tenants });
      const cluster = { ...syncSpec, ...sync };
      for (const machine of declareMachines({ ...fleet, sync }))
        new ClientHost(machine.spec.id, {
          ...{ stack: "staging", running: true, machine, cluster, authority },
          tenants: tenants.filter((tenant) => tenant.host === machine.spec.id),
        });
    },
    { preview },
  );
/** What agent.json of a host says of who may connect. */
const callersOf = (fleet: Declaration, host: string): unknown => {
  const files = String(plain(fleet.one(`${host}-directories`).inputs.stdin)).split("\n");
  const config = files.find((line) => line.includes(" agent/config/agent.json ")) ?? "";
  return JSON.parse(Buffer.from(config.split(" ").at(-1) ?? "", "base64").toString()).callers;
};

describe("a host on a remote machine", () => {
  it("has its engine over ssh, by the same options as commands", async () => {
    const { inputs } = (await hosts()).one("fra1-a-docker");
    expect(inputs.host).toBe("ssh://qbmgr@address of fra1-a-machine-address");
    expect(JSON.parse(inputs.sshOpts)).toContain(
      "KnownHostsCommand=/bin/echo address of fra1-a-machine-address open key of fra1-a-machine-host-key",
    );
    expect((await hosts({ preview: true })).one("fra1-a-docker").inputs.host).toEqual(unknown);
  });

  it("has everything in its engine made anew on another machine", async () => {
    const inEngine = (await hosts()).all.filter(
      ({ name, type }) => name.startsWith("fra1-a") && type.startsWith("docker:"),
    );
    expect(inEngine.map(({ name, trigger }) => [name, trigger]).sort()).toEqual([
      ["fra1-a-agent", "fra1-a-machine-droplet-id"],
      ["fra1-a-control", "fra1-a-machine-droplet-id"],
      ["fra1-a-image-nginx:stable-bookworm", "fra1-a-machine-droplet-id"],
      ["fra1-a-nginx", "fra1-a-machine-droplet-id"],
      ["fra1-a-runtime-image", "fra1-a-machine-droplet-id"],
    ]);
  });

  it("tells its agent of the sites that are open, and starts it for no change of them", async () => {
    const declared = await hosts();
    const [line = ""] = String(plain(declared.one("fra1-a-sites").inputs.stdin)).split("\n");
    expect(line).toMatch(/^file 0440 0:8050 agent\/config\/sites.json /);
    expect(JSON.parse(Buffer.from(line.split(" ").at(-1) ?? "", "base64").toString())).toEqual([
      { tenant: "acme", domain: "acme.localhost", certifier: "acme" },
    ]);
    expect(declared.one("fra1-a-agent").after).not.toContain("fra1-a-sites");
  });

  it("lets the control host alone call its agent, at its private address, which its certificate names", async () => {
    const declared = await hosts();
    expect(declared.one("fra1-a-agent").inputs.ports).toEqual([
      { internal: 8050, external: 8050, ip: "private of fra1-a-machine-droplet", protocol: "tcp" },
    ]);
    expect(declared.one("fra1-a-agent-request").inputs.ipAddresses).toEqual([
      "private of fra1-a-machine-droplet",
    ]);
    expect(callersOf(declared, "fra1-a")).toEqual([
      "private of control-machine-droplet/32",
      "public of control-machine-droplet/32",
    ]);
    expect(callersOf(declared, "control")).toBe("neighbours");
    expect(declared.one("control-agent").inputs.ports).toEqual([
      { internal: 8050, external: 8050, ip: "127.0.0.1", protocol: "tcp" },
    ]);
  });
});

describe("two control hosts", async () => {
  const both = ["control", "fra1-a"];
  const pair = await declared([control, droplet, elsewhere], { controls: both });

  it("let each other in, each at the agent's port, and the first at the other's node, which it watches", () => {
    const portsOf = (host: string) =>
      pair
        .one(`${host}-machine-firewall`)
        .inputs.inboundRules.filter(({ sourceTags }: { sourceTags?: string[] }) => sourceTags)
        .map(({ portRange, sourceTags }: { portRange: string; sourceTags: string[] }) => [
          portRange,
          ...sourceTags,
        ]);
    expect(portsOf("control")).toEqual([["8050", "owui-staging-fra1-a"]]);
    expect(portsOf("fra1-a")).toEqual([
      ["8050", "owui-staging-control"],
      ["9444", "owui-staging-control"],
    ]);
    expect(portsOf("nyc3-a")).toEqual([["8050", "owui-staging-control", "owui-staging-fra1-a"]]);
    const setUp = (host: string) => pair.one(`${host}-machine-set-up`).inputs.create;
    expect(setUp("control")).toContain("AGENT_PORT='\\''8050'\\''");
    expect(setUp("control")).toContain(
      "AGENT_FROM='\\''private of fra1-a-machine-droplet public of fra1-a-machine-droplet'\\''",
    );
    expect(setUp("fra1-a")).toContain("AGENT_PORT='\\''8050 9444'\\''");
  });

  it("wait for each other's address and not for each other", () => {
    expect(pair.one("control-machine-set-up").after).not.toContain("fra1-a-machine-set-up");
    expect(pair.one("fra1-a-machine-set-up").after).not.toContain("control-machine-set-up");
  });

  it("are known in no first preview, which ends all the same", async () => {
    const preview = await declared([control, droplet], { controls: both, preview: true });
    expect(preview.one("control-machine-set-up").inputs.create).toEqual(unknown);
  });

  it("open their agents to nodes of their own and to the other's, at an address that both reach", async () => {
    const fleet = await hosts({ controls: both });
    expect(callersOf(fleet, "control")).toEqual([
      "neighbours",
      "private of fra1-a-machine-droplet/32",
      "public of fra1-a-machine-droplet/32",
    ]);
    expect(fleet.one("control-agent").inputs.ports).toEqual([
      { internal: 8050, external: 8050, ip: "private of control-machine-droplet", protocol: "tcp" },
    ]);
  });
});

describe("a droplet in another region than a control host", () => {
  it("is called at its public address, which its firewall opens to that host alone", async () => {
    const fleet = await declared([control, elsewhere]);
    const agent = fleet
      .one("nyc3-a-machine-firewall")
      .inputs.inboundRules.filter(({ portRange }: { portRange?: string }) => portRange === "8050");
    expect(agent).toEqual([{ protocol: "tcp", portRange: "8050", sourceTags: ["owui-staging-control"] }]);
    expect(await addressesIn([control, elsewhere])).toEqual([
      "private of control-machine-droplet",
      "public of nyc3-a-machine-droplet",
    ]);
  });

  it("has its own control host called over the public network too, where another one is elsewhere", async () => {
    expect(await addressesIn([control, elsewhere], ["control", "nyc3-a"])).toEqual([
      "public of control-machine-droplet",
      "public of nyc3-a-machine-droplet",
    ]);
  });

  /** Where other hosts call each of them. */
  const addressesIn = async (specs: HostSpec[], controls = ["control"]): Promise<string[]> => {
    const found: string[] = [];
    await declaredBy(() => {
      declareMachines(declaration(specs, { controls })).forEach(({ privateAddress }, index) => {
        privateAddress.apply((address) => {
          found[index] = address;
        });
      });
    });
    return found;
  };
});

describe("a host with a tenant that is synced both ways", () => {
  it("opens the writer's port beside the agent's, and one without does not", async () => {
    const tenants = [tenantSpec({ host: "fra1-a", sync: { ...tenantSpec().sync, direction: "both" } })];
    const fleet = await declaredBy(
      () => void declareMachines(declaration([control, droplet, elsewhere], { tenants })),
    );
    const setUp = (host: string) => fleet.one(`${host}-machine-set-up`).inputs.create;
    expect(setUp("fra1-a")).toContain("AGENT_PORT='\\''8050 8051'\\''");
    expect(setUp("nyc3-a")).toContain("AGENT_PORT='\\''8050'\\''");
  });
});

describe("a server that is there", () => {
  it("is set up as whoever may sign in to it, and nothing of a cloud is declared for it", async () => {
    const servers = await declared([{ ...server, id: "control" } as HostSpec]);
    expect(servers.all.some(({ type }) => type.startsWith("digitalocean:"))).toBe(false);
    const { create } = servers.one("control-machine-met").inputs;
    expect(create).toContain("admin@203.0.113.20");
    expect(create).toContain("qbmgr@203.0.113.20");
    expect(create).not.toContain("root@old");
    expect(create).toContain("sudo -n sh -c");
    const asRoot = await declared([{ ...server, id: "control", user: "root" } as HostSpec]);
    expect(asRoot.one("control-machine-met").inputs.create).not.toContain("sudo");
  });

  it("is reached by a control host elsewhere at the droplet's public address", async () => {
    const mixed = await declared([{ ...server, id: "control" } as HostSpec, droplet]);
    expect(mixed.one("fra1-a-machine-firewall").inputs.inboundRules).toContainEqual({
      ...{ protocol: "tcp", portRange: "8050", sourceAddresses: ["203.0.113.20"] },
    });
  });
});
