import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { refreshClusterMetrics } from "../../../sync-runtime/node/cluster-metrics.ts";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import { refreshReplicaMetrics } from "../../../sync-runtime/node/replica-metrics.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

const RUN = randomUUID();

let metrics: Metrics;
let rows: (name: string, parameters?: unknown[]) => Promise<Record<string, unknown>[]>;

const cluster = ClusterDatabase.forEach(intentOf(["acme", "globex"]));
beforeEach(async () => {
  rows = async (name, parameters = []) => (await cluster.sync.query(query(name), parameters)).rows;
  metrics = new Metrics();
});

/** Lines of the metrics that begin so. */
const told = async (prefix: string) => {
  await refreshReplicaMetrics(metrics, { rows });
  await refreshClusterMetrics(metrics, { rows });
  const lines = (await metrics.registry.metrics()).split("\n");
  return lines.filter((line) => line.startsWith(prefix)).sort();
};
const oldest = async () => Number((await told("sync_queue_oldest_seconds"))[0]?.split(" ")[1]);
/** Queues a sync of a tenant that has been due for some seconds. */
const queue = (tenant: string, seconds: number) =>
  cluster.admin.query(
    `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, due_at)
     VALUES ('main', $1, 'interval', clock_timestamp() - make_interval(secs => $2))`,
    [tenant, seconds],
  );

test("a queue is as old as its oldest job that is due", async () => {
  expect(await oldest()).toBe(0);
  await queue("acme", -60);
  expect(await oldest()).toBe(0);
  await queue("globex", 400);
  expect(await oldest()).toBeGreaterThanOrEqual(400);
});

test("a job that waits for its own tenant's sync does not make the queue old", async () => {
  await rows("beat", ["main", "a", RUN, 60]);
  await queue("acme", 400);
  await rows("claim-job", ["main", "a", RUN, 60, []]);
  await queue("acme", 400);
  expect(await oldest()).toBe(0);
});

test("the lease's epoch is told from its first holder on", async () => {
  expect(await told("sync_lease_epoch")).toEqual([]);
  await rows("beat", ["main", "a", RUN, 3]);
  expect(await told("sync_lease_epoch")).toEqual(['sync_lease_epoch{cluster="main"} 1']);
});

test("that an agent was away is told while its host has tenants, and no longer", async () => {
  const { hosts, tenants, ...intent } = intentOf(["acme", "globex"]);
  const [acme, globex] = tenants;
  if (!acme || !globex) throw new Error("unreachable");
  const far = { id: "far", agent: { address: "127.0.0.1:8051", identity: "urn:owui:agent:far" } };
  await cluster.database.apply({
    ...intent,
    hosts: [...hosts, far],
    tenants: [acme, { ...globex, host: "far" }],
  });
  for (const host of ["local", "far"]) metrics.agentUnreachable.set({ host }, 1);
  expect(await told("agent_unreachable")).toEqual([
    'agent_unreachable{host="far"} 1',
    'agent_unreachable{host="local"} 1',
  ]);
  await cluster.database.apply({ ...intent, hosts, tenants: [acme] });
  expect(await told("agent_unreachable")).toEqual(['agent_unreachable{host="local"} 1']);
  await cluster.database.apply({ ...intent, hosts, tenants: [] });
  expect(await told("agent_unreachable")).toEqual([]);
});

test("intervals are told of tenants that are synced by themselves, replica or not", async () => {
  const { tenants, ...intent } = intentOf(["acme", "globex", "initech"]);
  const [acme, globex] = tenants.map((tenant) => ({ ...tenant, interval: 60 }));
  if (!acme || !globex) throw new Error("unreachable");
  await cluster.database.apply({ ...intent, tenants: [acme, { ...globex, paused: true }] });
  expect(await told("replica_sync_interval_seconds")).toEqual([
    'replica_sync_interval_seconds{client="acme",host="local"} 60',
  ]);
});
