import { describe, expect, test } from "vitest";
import { type Broken, refusal } from "./config.ts";

const broken: Broken = [
  [
    "a sync without nodes is refused",
    ({ sync }) => (sync.nodes = {}),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.nodes
    found:  no nodes
    remedy: declare a node, or two so that one can fail: { a: { port: 9443 }, b: { port: 9444 } }`,
  ],
  [
    "sync is declared",
    (config) => delete config.sync,
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync
    found:  nothing, and it is required
    remedy: declare it: { host: local, nodes: { a: { port: 9443 }, b: { port: 9444 } } }`,
  ],
  [
    "an unknown control host is refused",
    ({ sync }) => (sync.host = "control"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.host
    found:  "control", which is no host of this stack
    remedy: declare hosts.control; declared are: local`,
  ],
  [
    "two nodes have two ports",
    ({ sync }) => (sync.nodes.b.port = 9443),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.nodes.b.port
    found:  9443, which sync.nodes.a.port already has on host "local"
    remedy: set sync.nodes.b.port to 9444, which is free there`,
  ],
  [
    "a node's name is a DNS label",
    ({ sync }) => (sync.nodes["node.c"] = { port: 9445 }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.nodes["node.c"]
    found:  "node.c", which is not a DNS label
    remedy: name the node with at most 40 lower-case letters, digits and inner hyphens, such as "node-c"`,
  ],
  [
    "a cluster's name is a DNS label",
    ({ sync }) => (sync.cluster = "Main"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.cluster
    found:  "Main", which is not a DNS label
    remedy: name the cluster with at most 40 lower-case letters, digits and inner hyphens, such as "main"`,
  ],
  [
    "a node runs at least one sync at once",
    ({ sync }) => (sync.parallel = 0),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.parallel
    found:  0 (a number)
    remedy: write a whole number from 1 to 64`,
  ],
  [
    "a reader reads tenants that there are",
    ({ sync }) => (sync.readers = { ana: { tenants: ["acme", "globec"] } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.readers.ana.tenants[1]
    found:  "globec", which is no tenant of this stack
    remedy: write globex, if that was meant, or remove it; declared are: acme, globex`,
  ],
  [
    "whose replicas a reader reads is said",
    ({ sync }) => (sync.readers = { ana: {} }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.readers.ana.tenants
    found:  nothing, and it is required
    remedy: write all, or a list of tenants such as [acme]`,
  ],
  [
    "a column is granted by its table's name and its own",
    ({ sync }) => (sync.readers = { ana: { tenants: "all", columns: ["password"] } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.readers.ana.columns[0]
    found:  "password"
    remedy: write table.column, such as user.settings`,
  ],
  [
    "a reader's name is a DNS label",
    ({ sync }) => (sync.readers = { Ana_B: { tenants: "all" } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.readers.Ana_B
    found:  "Ana_B", which is not a DNS label
    remedy: name the reader with at most 40 lower-case letters, digits and inner hyphens, such as "ana-b"`,
  ],
  [
    "how often replicas are verified is a duration with bounds",
    ({ sync }) => (sync.verify = "30m"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.verify
    found:  "30m"
    remedy: write a number with its unit, from 1h to 365d, such as 7d or 12h`,
  ],
  [
    "tombstones are kept for a day at least",
    ({ sync }) => (sync.tombstones = 90),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.tombstones
    found:  90 (a number)
    remedy: write a number with its unit, from 1d to 3650d, such as 90d`,
  ],
  [
    "quarantine comes after a number of failures",
    ({ sync }) => (sync.quarantine = 0),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.quarantine
    found:  0 (a number)
    remedy: write a whole number from 1 to 100`,
  ],
  [
    "a strategy that does not exist is refused",
    ({ sync }) => (sync.conflicts = { default: "newest", tables: { chat: true } }),
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  sync.conflicts.default
    found:  "newest"
    remedy: choose newest_wins, source_wins, target_wins, merge or manual

  sync.conflicts.tables.chat
    found:  true (a truth value)
    remedy: choose newest_wins, source_wins, target_wins, merge or manual`,
  ],
  [
    "strategies are by table and not by column",
    ({ sync }) => (sync.conflicts = { tables: { "chat.title": "merge" } }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.conflicts.tables["chat.title"]
    found:  "chat.title", which is no name of a table
    remedy: name a table as Open WebUI does, such as chat, user or oauth_session; columns have no strategy`,
  ],
  [
    "a direction that there is not is refused, of the fleet and of a tenant",
    ({ sync, tenants }) => {
      sync.direction = "two-way";
      tenants.acme.sync = { direction: true };
    },
    `Pulumi.local.yaml has 2 problems. Nothing was changed.

  sync.direction
    found:  "two-way"
    remedy: write one-way, or both where edits of the replica are to reach the tenant

  tenants.acme.sync.direction
    found:  true (a truth value)
    remedy: write one-way, or both where edits of the replica are to reach the tenant`,
  ],
  [
    "one strategy alone is refused, with the place for it",
    ({ sync }) => (sync.conflicts = "merge"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.conflicts
    found:  a text
    remedy: write default and tables, or leave it out`,
  ],
  [
    "a list of tables is refused",
    ({ sync }) => (sync.conflicts = { tables: ["chat"] }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.conflicts.tables
    found:  a list
    remedy: write tables by name, each with a strategy: { chat: merge }`,
  ],
  [
    "a kind of database that is not there yet is refused",
    ({ sync }) => (sync.database = { kind: "supabase" }),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  sync.database.kind
    found:  "supabase"
    remedy: write embedded, or external with host, user, password and ca`,
  ],
  [
    "the whole stack's running is a truth value",
    (config) => (config.running = "no"),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  running
    found:  "no"
    remedy: write true or false`,
  ],
  [
    "an unknown key of the stack names the nearest known one",
    (config) => (config.tenant = {}),
    `Pulumi.local.yaml has 1 problem. Nothing was changed.

  tenant
    found:  the unknown key "tenant"
    remedy: write tenants, if that was meant, or remove it; known here: running, hosts, operators, tenants, sync, state, certificates, dns, acme, backups, monitoring`,
  ],
];

describe("sync and the stack itself: refused, with the whole message", () => {
  test.each(broken)("%s", (_, edit, message) => {
    expect(refusal(edit)).toBe(message);
  });
});
