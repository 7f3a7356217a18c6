import { describe, expect, test } from "vitest";
import { type Broken, refusal } from "./config.ts";

const broken: Broken = [
  [
    "two explicit ports clash",
    ({ tenants }) => {
      tenants.acme.port = 20000;
      tenants.globex.port = 20000;
    },
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.globex.port
    found:  20000, which tenants.acme.port already has on host "local"
    remedy: set tenants.globex.port to 20001, which is free there`,
  ],
  [
    "an explicit port wins over one that follows from a name",
    ({ tenants }) => (tenants.globex.port = 17_249),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.port
    found:  17249 (from the tenant's name), which tenants.globex.port already has on host "local"
    remedy: set tenants.acme.port to 17250, which is free there`,
  ],
  [
    "a free port is one that nothing else has either",
    ({ tenants, sync }) => {
      tenants.acme.port = 20000;
      tenants.globex.port = 20000;
      sync.nodes.b.port = 20001;
    },
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.globex.port
    found:  20000, which tenants.acme.port already has on host "local"
    remedy: set tenants.globex.port to 20002, which is free there`,
  ],
  [
    "a tenant's port clashes with the database's",
    ({ tenants }) => (tenants.acme.port = 15_432),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.port
    found:  15432, which sync.database.port already has on host "local"
    remedy: set tenants.acme.port to 15433, which is free there`,
  ],
  [
    "a tenant's port clashes with nginx's",
    ({ hosts, tenants }) => {
      hosts.local.http = { port: 18080 };
      tenants.acme.port = 18_080;
    },
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.port
    found:  18080, which hosts.local.http.port already has on host "local"
    remedy: set tenants.acme.port to 18081, which is free there`,
  ],
  [
    "nginx' two ports are two",
    ({ hosts }) => (hosts.local.https = { port: 8080 }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.https.port
    found:  8080, which hosts.local.http.port already has on host "local"
    remedy: set hosts.local.https.port to 8081, which is free there`,
  ],
  [
    "a node's port clashes with the agent's",
    ({ sync }) => (sync.nodes.a.port = 8050),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.nodes.a.port
    found:  8050, which hosts.local.agentPort already has on host "local"
    remedy: set sync.nodes.a.port to 8051, which is free there`,
  ],
  [
    "each of several clashes gets a free port of its own",
    ({ tenants }) => {
      for (const [index, id] of ["a", "b", "c"].entries())
        tenants[id] = {
          ...tenants.acme,
          domain: `${id}.localhost`,
          port: 32_000,
          subnet: `10.130.0.${index * 16}/28`,
        };
    },
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  tenants.b.port
    found:  32000, which tenants.a.port already has on host "local"
    remedy: set tenants.b.port to 10000, which is free there

  tenants.c.port
    found:  32000, which tenants.a.port already has on host "local"
    remedy: set tenants.c.port to 10001, which is free there`,
  ],
  [
    "nginx's port clashes with the agent's",
    ({ hosts }) => (hosts.local.agentPort = 8080),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  hosts.local.agentPort
    found:  8080, which hosts.local.http.port already has on host "local"
    remedy: set hosts.local.agentPort to 8081, which is free there`,
  ],
  [
    "two explicit subnets clash",
    ({ tenants }) => {
      tenants.acme.subnet = "10.255.255.240/28";
      tenants.globex.subnet = "10.255.255.240/28";
    },
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.globex.subnet
    found:  10.255.255.240/28, which tenants.acme.subnet already has on host "local"
    remedy: set tenants.globex.subnet to 10.128.0.0/28, which is free there`,
  ],
  [
    "an explicit subnet wins over one that follows from a name",
    ({ tenants }) => (tenants.globex.subnet = "10.168.176.128/28"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenants.acme.subnet
    found:  10.168.176.128/28 (from the tenant's name), which tenants.globex.subnet already has on host "local"
    remedy: set tenants.acme.subnet to 10.168.176.144/28, which is free there`,
  ],
  [
    "clashes are reported beside wrong fields of the same entries",
    ({ tenants }) => {
      tenants.globex.domain = "acme.localhost";
      tenants.globex.sync = { interval: "2h" };
      tenants.acme.cpus = "all";
    },
    `Pulumi.local.yaml has 3 problems. Nothing was changed.

  tenants.acme.cpus
    found:  "all"
    remedy: write a number from 0.1 to 256

  tenants.globex.domain
    found:  "acme.localhost", which tenants.acme already has
    remedy: give each tenant a domain of its own; capital letters make no difference

  tenants.globex.sync.interval
    found:  "2h"
    remedy: choose 1m, 5m, 1h or 1d`,
  ],
];

describe("clashes between entries: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
