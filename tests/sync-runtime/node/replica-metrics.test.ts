import { expect, test } from "vitest";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import { refreshReplicaMetrics } from "../../../sync-runtime/node/replica-metrics.ts";

const metrics = new Metrics();
const refresh = async (rows: unknown[]) => {
  await refreshReplicaMetrics(metrics, {
    rows: async (name) => (name === "active-users" ? active(rows as { tenant: string }[]) : rows),
  });
  const lines = (await metrics.registry.metrics()).split("\n");
  return lines.filter((line) => /^(fleet|replica|tenant|conflicts|sync_quarantined)/.test(line)).sort();
};
const active = (rows: { tenant: string }[]) => [
  { tenant: null, users: "3", basis: null, covered: null },
  ...rows.map(({ tenant }) => ({ tenant, users: "1", basis: null, covered: null })),
];
const acme = {
  ...{
    tenant: "acme",
    host: "local",
    licence: { basis: "up-to-50-users", users: 50 },
    interval: 60,
    verified: 1_700_000_000.5,
    deep_verified: 1_600_000_000,
    held: true,
    quarantined: true,
    differences: "3",
    decided: "2",
    write_refused: true,
    waiting: "4",
  },
  users: 2,
  unrepresentable: [{ table: "chat", rows: 1 }],
};

test("the gauges say what Postgres knows, whichever node is asked", async () => {
  expect(await refresh([acme])).toEqual([
    'conflicts_waiting{client="acme"} 4',
    "fleet_active_users 3",
    'replica_decided_rows{client="acme"} 2',
    'replica_deep_verified_timestamp_seconds{client="acme"} 1600000000',
    'replica_differences_total{client="acme"} 3',
    'replica_held{client="acme"} 1',
    'replica_sync_interval_seconds{client="acme",host="local"} 60',
    'replica_unrepresentable_rows{client="acme",table="chat"} 1',
    'replica_verified_timestamp_seconds{client="acme"} 1700000000.5',
    'replica_write_refused{client="acme"} 1',
    'sync_quarantined{client="acme"} 1',
    'tenant_active_users{client="acme"} 1',
    'tenant_licensed_users{client="acme",basis="up-to-50-users"} 50',
    'tenant_users{client="acme"} 2',
  ]);
});

test("what is gone is no longer told: a table, a tenant, a pause's interval; nor a moment that has not been", async () => {
  await refresh([acme, { ...acme, tenant: "globex" }]);
  const nothing = { licence: null, interval: null, verified: null, deep_verified: null };
  const none = {
    held: false,
    quarantined: false,
    differences: "0",
    decided: "0",
    waiting: "0",
    write_refused: null,
    users: null,
    unrepresentable: [],
  };
  const fresh = { ...acme, ...nothing, ...none };
  expect(await refresh([fresh])).toEqual([
    'conflicts_waiting{client="acme"} 0',
    "fleet_active_users 3",
    'replica_decided_rows{client="acme"} 0',
    'replica_differences_total{client="acme"} 0',
    'replica_held{client="acme"} 0',
    'sync_quarantined{client="acme"} 0',
    'tenant_active_users{client="acme"} 1',
  ]);
});
