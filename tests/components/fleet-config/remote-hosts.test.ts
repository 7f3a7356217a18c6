import { describe, expect, test } from "vitest";
import { memoryOf } from "../../../components/fleet-config/droplet-size.ts";
import { hostEntry } from "../../../components/fleet-config/host-entry.ts";
import { hostSpecOf } from "../../../components/fleet-config/host-spec.ts";
import { parseFleet } from "../../../components/fleet-config.ts";
import { TestAuthority } from "../../support/certificates.ts";
import { type Broken, type Loose, refusal, validConfig, where } from "./config.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFlq1JcvgyYQ3VdNoA8tk8SxOhV6kKvA2Qm4R1GmPwZ";

/** Turns the config into one of a cloud: a control host, and a host with both tenants. */
function inCloud(config: Loose): Loose {
  config.hosts = {
    control: { kind: "digitalocean", region: "fra1", size: "s-2vcpu-4gb" },
    "fra1-a": { kind: "digitalocean", region: "fra1", size: "s-4vcpu-8gb", volume: "100GB" },
  };
  config.operators = { keys: [`${key} ann@example`], addresses: ["203.0.113.7", "198.51.100.0/24"] };
  config.tenants.acme.host = "fra1-a";
  config.tenants.globex.host = "fra1-a";
  config.sync.host = "control";
  return config;
}

const specOf = (entry: object) => hostSpecOf("staging", "fra1-a", hostEntry.parse(entry), where);

describe("hosts of a cloud", () => {
  test("have what their entries leave out", () => {
    const entry = { kind: "digitalocean", region: "fra1", size: "s-4vcpu-8gb", volume: "100GB" };
    expect(specOf(entry)).toEqual({
      id: "fra1-a",
      kind: "digitalocean",
      root: "/srv/fleet",
      http: { address: "0.0.0.0", port: 80 },
      https: { address: "0.0.0.0", port: 443 },
      agentPort: 8050,
      writerPort: 8051,
      region: "fra1",
      size: "s-4vcpu-8gb",
      image: "debian-12-x64",
      volume: 100,
      reservedIp: true,
      generation: 1,
      swap: 2_000_000_000,
      memory: 8 * 2 ** 30,
    });
  });

  test("may be servers that are there, known by their keys without the comment", () => {
    const entry = { kind: "ssh", address: "203.0.113.20", hostKey: `${key} root@server` };
    expect(specOf(entry)).toMatchObject({
      kind: "ssh",
      address: "203.0.113.20",
      privateAddress: "203.0.113.20",
      user: "root",
      hostKey: key,
    });
  });
});

describe("sites on hosts of a cloud", async () => {
  const { certificate: ca } = await TestAuthority.create();
  const config = (): Loose => {
    const config = inCloud(validConfig());
    config.sync.database = { kind: "external", host: "db.example", user: "postgres", password: "x", ca };
    config.tenants.acme.domain = "chat.acme.example";
    Object.assign(config.tenants.globex, { domain: "chat.globex.example", proxied: true });
    config.dns = { kind: "cloudflare", zones: ["globex.example"] };
    return config;
  };

  test("are certified over ACME where that is said, and proxied ones by Cloudflare", () => {
    const certifiers = (edited: Loose) =>
      parseFleet("staging", edited, where).tenants.map(({ certificate }) => certificate);
    expect(certifiers(config())).toEqual(["self-signed", "origin-ca"]);
    expect(certifiers({ ...config(), acme: { directory: "staging" } })).toEqual(["acme", "origin-ca"]);
  });

  test("are certified by the stack's own authority where a tenant wants that", () => {
    const edited = { ...config(), acme: {} };
    edited.tenants.acme.certificate = "self-signed";
    expect(parseFleet("staging", edited, where).tenants[0]?.certificate).toBe("self-signed");
  });

  test("are refused a certifier that does not certify them", () => {
    const edited = config();
    edited.tenants.acme.certificate = "acme";
    edited.tenants.globex.certificate = "self-signed";
    expect(() => parseFleet("staging", edited, where)).toThrow(`
  tenants.acme.certificate
    found:  "acme" in a stack without acme
    remedy: write acme: { email: operators@example.com } beside tenants, or leave it out

  tenants.globex.certificate
    found:  "self-signed" of a proxied tenant, whose site Cloudflare certifies
    remedy: leave certificate or proxied out of tenants.globex`);
  });

  test("are certified by Let's Encrypt, by its staging, or by whose directory is named", () => {
    const directoryOf = (acme: object) => parseFleet("staging", { ...config(), acme }, where).acme?.directory;
    expect(directoryOf({})).toBe("https://acme-v02.api.letsencrypt.org/directory");
    expect(directoryOf({ directory: "staging" })).toBe(
      "https://acme-staging-v02.api.letsencrypt.org/directory",
    );
    expect(directoryOf({ directory: "https://ca.example/dir" })).toBe("https://ca.example/dir");
    expect(() => directoryOf({ directory: "http://ca.example/dir" })).toThrow(
      "remedy: write production, staging or the https address of an ACME directory",
    );
  });
});

describe("nodes", async () => {
  const { certificate: ca } = await TestAuthority.create();

  test("run on the control host, unless they name another", () => {
    const config = inCloud(validConfig());
    config.sync.database = { kind: "external", host: "db.example", user: "postgres", password: "x", ca };
    config.sync.nodes.b = { port: 9443, host: "fra1-a" };
    expect(parseFleet("staging", config, where).sync.nodes).toEqual([
      { id: "a", host: "control", port: 9443 },
      { id: "b", host: "fra1-a", port: 9443 },
    ]);
  });
});

/** Problems as they are said, without the one that every fleet in a cloud has whose database is embedded. */
const problemsIn = (message: string, all: boolean): string =>
  message
    .split("\n\n")
    .slice(1)
    .filter((problem) => all || !problem.includes("sync.database.kind"))
    .join("\n\n");

const broken: Broken = [
  [
    "a droplet has a region and a size, and nothing of a server that is there",
    ({ hosts }) => {
      hosts.control = { kind: "digitalocean", address: "203.0.113.20" };
    },
    `  hosts.control.address
    found:  a value, which a host of kind digitalocean does not have
    remedy: remove it, or write another kind: ssh has address

  hosts.control.region
    found:  nothing, and a host of kind digitalocean needs it
    remedy: write a region of DigitalOcean, such as fra1, ams3, nyc3 or sgp1

  hosts.control.size
    found:  nothing, and a host of kind digitalocean needs it
    remedy: write a size of DigitalOcean, such as s-2vcpu-4gb or s-4vcpu-8gb`,
  ],
  [
    "what is wrong is not said to be missing too",
    ({ hosts }) => {
      hosts.control = { kind: "ssh", address: "server.example.com", hostKey: "AAAA" };
    },
    `  hosts.control.address
    found:  "server.example.com"
    remedy: write the server's IPv4 address, such as 203.0.113.20

  hosts.control.hostKey
    found:  "AAAA"
    remedy: write the line that stands in the server's /etc/ssh/ssh_host_ed25519_key.pub, read on the server itself: ssh-ed25519 AAAA…`,
  ],
  [
    "swap and reserved address are nothing of this machine's",
    (config) => {
      Object.assign(config, validConfig());
      delete config.operators;
      Object.assign(config.hosts.local, { swap: "1GB", reservedIp: false });
    },
    `  hosts.local.reservedIp
    found:  a value, which a host of kind local does not have
    remedy: remove it, or write another kind: digitalocean has reservedIp

  hosts.local.swap
    found:  a value, which a host of kind local does not have
    remedy: remove it, or write another kind: ssh and digitalocean have swap`,
  ],
  [
    "two hosts are two machines",
    ({ hosts }) => {
      const server = { kind: "ssh", address: "203.0.113.20", hostKey: key };
      hosts.control = server;
      hosts["fra1-a"] = server;
    },
    `  hosts.fra1-a
    found:  the same address as hosts.control: both are 203.0.113.20
    remedy: remove hosts.fra1-a and let its tenants say host: control`,
  ],
  [
    "this machine stands beside no other",
    ({ hosts }) => (hosts["fra1-a"] = { kind: "local" }),
    `  hosts.fra1-a.kind
    found:  local, beside hosts.control, which is of kind digitalocean
    remedy: give this machine a stack of its own: the nodes of one could not reach the other's agents; a server is declared as kind ssh`,
  ],
  [
    "somebody may sign in, from somewhere",
    (config) => delete config.operators,
    `  operators.addresses
    found:  nothing, and hosts.control is reached over ssh
    remedy: list where operators come from: ["203.0.113.7"]; \`curl -4 https://ifconfig.me\` shows yours

  operators.keys
    found:  nothing, and hosts.control is reached over ssh
    remedy: list who may sign in: ["ssh-ed25519 AAAA… ann@example"], the line in ~/.ssh/id_ed25519.pub`,
  ],
  [
    "port 22 is not opened to everybody, and a private key does not stand here",
    ({ operators }) => {
      operators.addresses = ["0.0.0.0/0", "203.0.113.7/33"];
      operators.keys = ["-----BEGIN OPENSSH PRIVATE KEY-----"];
      operators.identity = "$HOME/key";
    },
    `  operators.addresses[0]
    found:  "0.0.0.0/0", which is half the world
    remedy: name the addresses that operators come from; port 22 is never open to everybody

  operators.addresses[1]
    found:  "203.0.113.7/33"
    remedy: write an address such as 203.0.113.7, or a network such as 198.51.100.0/24

  operators.identity
    found:  "$HOME/key"
    remedy: write a path that starts with / or ~/, without blanks, or leave it out

  operators.keys[0]
    found:  a text
    remedy: write the public half, one line such as ~/.ssh/id_ed25519.pub holds: ssh-ed25519 AAAA… ann@example`,
  ],
  [
    "a droplet's size says what its tenants may reserve",
    ({ hosts }) => (hosts["fra1-a"].size = "s-1vcpu-1gb"),
    `  hosts.fra1-a.size
    found:  "s-1vcpu-1gb" with 1.07GB, of which 2 tenants reserve 1.4GB; 751.62MB (70 %) may be reserved
    remedy: lower memory.reserved of tenants on "fra1-a", move some to another host, or give it 2GB`,
  ],
  [
    "a writer has a port of its own, where a tenant is written into",
    ({ hosts, tenants }) => {
      hosts["fra1-a"].agentPort = 8051;
      hosts.control.agentPort = 8051;
      tenants.globex.sync = { direction: "both" };
    },
    `  hosts.fra1-a.writerPort
    found:  8051, which hosts.fra1-a.agentPort already has on host "fra1-a"
    remedy: set hosts.fra1-a.writerPort to 8052, which is free there`,
  ],
  [
    "a node runs on a host of the stack",
    ({ sync }) => {
      sync.nodes.b.host = "contrl";
    },
    `  sync.nodes.b.host
    found:  "contrl", which is no host of this stack
    remedy: write control, if that was meant, or declare hosts.contrl; declared are: control, fra1-a`,
  ],
  [
    "two nodes on one host have two ports, and on two hosts any",
    ({ sync }) => {
      sync.nodes = {
        a: { port: 9443 },
        b: { port: 9443, host: "fra1-a" },
        c: { port: 9443, host: "fra1-a" },
      };
    },
    `  sync.nodes.c.port
    found:  9443, which sync.nodes.b.port already has on host "fra1-a"
    remedy: set sync.nodes.c.port to 9444, which is free there`,
  ],
  [
    "an embedded database is on this machine",
    () => {},
    `  sync.database.kind
    found:  embedded, on host "control" of kind digitalocean
    remedy: write kind: external with a Postgres that control host and operators reach, such as Supabase's`,
  ],
];

describe("entries of remote hosts: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    const said = refusal((config) => {
      inCloud(config);
      edit(config);
    });
    expect(problemsIn(said, message.includes("sync.database"))).toBe(message);
  });
});

test.each([
  ["s-4vcpu-8gb", 8 * 2 ** 30],
  ["s-1vcpu-512mb-10gb", 512 * 2 ** 20],
  ["s-2vcpu-4gb-amd", 4 * 2 ** 30],
  ["c-4", undefined],
  [undefined, undefined],
])("a droplet of size %s has %s bytes of memory", (size, bytes) => {
  expect(memoryOf(size)).toBe(bytes);
});
