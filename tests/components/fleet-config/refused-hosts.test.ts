import { describe, expect, test } from "vitest";
import { type Broken, refusal } from "./config.ts";

const broken: Broken = [
  [
    "a host says its kind",
    ({ hosts }) => (hosts.local = {}),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.kind
    found:  nothing, and it is required
    remedy: write local (this machine), ssh (a server that is there) or digitalocean (a droplet that the stack makes)`,
  ],
  [
    "a host is of a kind that there is",
    ({ hosts }) => (hosts.local.kind = "hetzner"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.kind
    found:  "hetzner"
    remedy: write local (this machine), ssh (a server that is there) or digitalocean (a droplet that the stack makes)`,
  ],
  [
    "an unknown key of a host names the nearest known one",
    ({ hosts }) => (hosts.local.agentport = 8050),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.agentport
    found:  the unknown key "agentport"
    remedy: write agentPort, if that was meant, or remove it; known here: kind, root, http, https, address, user, hostKey, privateAddress, region, size, image, volume, reservedIp, generation, swap, agentPort, writerPort, memory, syncBandwidth`,
  ],
  [
    "two local hosts have one address, whatever their ports and folders",
    ({ hosts }) =>
      (hosts.second = { kind: "local", root: "/srv/second", http: { port: 8081 }, agentPort: 8051 }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.second
    found:  the same address as hosts.local: both are of kind local, which is this machine
    remedy: remove hosts.second and let its tenants say host: local`,
  ],
  [
    "a host's name is a DNS label",
    ({ hosts }) => {
      hosts["-local"] = hosts.local;
      delete hosts.local;
    },
    `Pulumi.local.yaml has 4 problems. Nothing was changed.

  hosts.-local
    found:  "-local", which is not a DNS label
    remedy: name the host with at most 40 lower-case letters, digits and inner hyphens, such as "local"

  sync.host
    found:  "local", which is no host of this stack
    remedy: write -local, if that was meant, or declare hosts.local; declared are: -local

  tenants.acme.host
    found:  "local", which is no host of this stack
    remedy: write -local, if that was meant, or declare hosts.local; declared are: -local

  tenants.globex.host
    found:  "local", which is no host of this stack
    remedy: write -local, if that was meant, or declare hosts.local; declared are: -local`,
  ],
  [
    "nginx listens on an address",
    ({ hosts }) => (hosts.local.http = { address: "localhost" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.http.address
    found:  "localhost"
    remedy: write an IPv4 address of this machine, such as 127.0.0.1`,
  ],
  [
    "a folder is not given by a tilde",
    ({ hosts }) => (hosts.local.root = "~/fleet"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.root
    found:  "~/fleet"
    remedy: write the path of a folder; a leading ~ is not understood`,
  ],
  [
    "reservations leave 30 % of a host's memory free",
    ({ hosts }) => (hosts.local.memory = "1.9GB"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.memory
    found:  1.9GB, of which 2 tenants reserve 1.4GB; 1.33GB (70 %) may be reserved
    remedy: lower memory.reserved of tenants on "local", move some to another host, or give it 2GB`,
  ],
  [
    "a bandwidth is an amount a second",
    ({ hosts }) => (hosts.local.syncBandwidth = "100Mbit/s"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.syncBandwidth
    found:  "100Mbit/s"
    remedy: write an amount of data a second, such as 10MB/s (decimal: 1MB is 1,000,000 bytes; 100 Mbit/s are 12.5MB/s)`,
  ],
  [
    "a stack without hosts has no place for its tenants",
    (config) => (config.hosts = {}),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts
    found:  a mapping
    remedy: declare a host: { local: { kind: local } }`,
  ],
  [
    "hosts are declared",
    (config) => delete config.hosts,
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts
    found:  nothing, and it is required
    remedy: declare a host: { local: { kind: local } }`,
  ],
];

describe("a host's entry: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
