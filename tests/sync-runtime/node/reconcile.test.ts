import { expect, test } from "vitest";
import { type Disagreement, reconcile } from "../../../sync-runtime/node/reconcile.ts";
import type { Deployment } from "../../../sync-runtime/node/tenant-state.ts";
import type { Inventory } from "../../../sync-runtime/protocol/message.ts";

const deployment = (client: string, host = "one", status: Deployment["status"] = "active"): Deployment => ({
  ...{
    client,
    host,
    status,
    url: "http://x",
    interval: 60,
    declared_paused: false,
    live_database: null,
    verified: true,
  },
  ...{ since: new Date(0), by: "sync", reason: "" },
});
const identity = {
  fleet: "f",
  tenant: "acme",
  id: "6f0f9f8e-1d1a-4c55-9a4e-0d8f6a1b2c3d",
  created: "2026-01-01T00:00:00Z",
};
const database = { exists: true, bytes: 1, journal_mode: "wal" as const, modified_at: null };
const found = (id: string, changed: object = {}) => ({ id, identity, database, backup: null, ...changed });
const inventory = (host: string, ...tenants: Inventory["tenants"]): Inventory => ({ host, tenants });

test.each<[string, (Inventory | undefined)[], Disagreement[]]>([
  ["where it is declared", [inventory("one", found("acme")), inventory("two")], []],
  ["nowhere", [inventory("one"), inventory("two")], ["not-found"]],
  ["on another host", [inventory("one"), inventory("two", found("acme"))], ["not-found", "found-elsewhere"]],
  ["on both hosts", [inventory("one", found("acme")), inventory("two", found("acme"))], ["found-elsewhere"]],
  [
    "without a database",
    [inventory("one", found("acme", { database: { ...database, exists: false } }))],
    ["no-database"],
  ],
  ["without an identity", [inventory("one", found("acme", { identity: null }))], ["no-identity"]],
  ["on a host that does not answer", [undefined, inventory("two")], ["host-not-reached"]],
  [
    "elsewhere while its host does not answer",
    [undefined, inventory("two", found("acme"))],
    ["host-not-reached", "found-elsewhere"],
  ],
])("a tenant %s", (_, inventories, differences) => {
  const reported = new Map(["one", "two"].map((host, index) => [host, inventories[index]]));
  expect(reconcile([deployment("acme")], reported).tenants[0]?.differences).toEqual(differences);
});

test("data of a retired tenant and of strangers is shown as undeclared; a retired tenant is not missed", () => {
  const reported = new Map([["one", inventory("one", found("gone"), found("stranger"))]]);
  expect(
    reconcile([deployment("gone", "one", "retired"), deployment("away", "one", "erased")], reported),
  ).toEqual({
    tenants: [],
    undeclared: [
      { host: "one", client: "gone" },
      { host: "one", client: "stranger" },
    ],
  });
});
