import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recentEvents } from "../../../../sync-runtime/node/api/event-view.ts";
import { Postgres } from "../../../../sync-runtime/node/postgres.ts";
import { intentOf, TestDatabase } from "../../../support/postgres.ts";

let database: TestDatabase;
let postgres: Postgres;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(["acme"]));
  postgres = new Postgres(database.credentials("sync_main"), 2, "test", pino({ enabled: false }));
});
afterAll(async () => {
  await postgres?.close();
  await database?.drop();
});

test("what happened behind a moment is told by what was recorded", async () => {
  const { now, events } = await recentEvents(postgres, undefined);
  expect(events).toEqual([]);
  await postgres.rows("trigger-sync", ["acme"]);
  await database.queryAlone(
    `UPDATE sync_metadata.sync_jobs SET status = 'running', started_at = clock_timestamp()`,
  );
  await database.queryAlone(
    `INSERT INTO sync_metadata.leader_election (cluster, holder, node, epoch, acquired_at, expires_at)
     VALUES ('main', gen_random_uuid(), 'a', 7, clock_timestamp(), now() + interval '1 hour')`,
  );
  const during = await recentEvents(postgres, now);
  expect(during.events.map(({ name, data }) => [name, data.epoch])).toEqual([["leader-changed", 7]]);
  expect(during.running).toMatchObject([{ client: "acme", kind: "sync", progress: null }]);
  await database.queryAlone(
    `UPDATE sync_metadata.sync_jobs SET status = 'failed', error = 'why', finished_at = clock_timestamp()`,
  );
  await postgres.rows("move-tenant", ["acme", "provisioning", "paused", "ana", "for a while"]);
  const after = await recentEvents(postgres, during.now);
  expect(after.running).toEqual([]);
  expect(after.events).toMatchObject([
    { name: "job-ended", data: { client: "acme", status: "failed", error: "why" } },
    { name: "state-changed", data: { client: "acme", to: "paused", by: "ana", reason: "for a while" } },
  ]);
  await database.queryAlone(
    `INSERT INTO sync_metadata.conflict_log (cluster, tenant, "table", type, strategy, winner, why, edited_at, edited_by, job, columns)
     VALUES ('main', 'acme', 'chat', 'update/update', 'manual', 'pending', 'why', now(), 'bo', 1, '[]')`,
  );
  expect((await recentEvents(postgres, after.now)).events).toMatchObject([
    { name: "conflict-detected", data: { client: "acme", table: "chat", winner: "pending" } },
  ]);
  expect((await recentEvents(postgres, after.now + 60_000_000n)).events).toEqual([]);

  const { now: written } = await recentEvents(postgres, undefined);
  await database.queryAlone(
    `UPDATE sync_metadata.conflict_log SET written_at = clock_timestamp(), written_by = 'local';
     UPDATE sync_metadata.conflict_log
       SET refused_at = clock_timestamp(), refused_code = 'constraint', refused = 'not unique';
     INSERT INTO sync_metadata.replicas (tenant, cluster) VALUES ('acme', 'main') ON CONFLICT DO NOTHING;
     UPDATE sync_metadata.replicas
       SET write_refused_at = clock_timestamp(), write_refused_code = 'busy', write_refused = 'locked'`,
  );
  expect((await recentEvents(postgres, written)).events).toMatchObject([
    { name: "conflict-written", data: { client: "acme", table: "chat", host: "local" } },
    { name: "conflict-refused", data: { client: "acme", code: "constraint", error: "not unique" } },
    { name: "write-refused", data: { client: "acme", code: "busy", error: "locked" } },
  ]);
});

test("what ended lately is found without reading the whole history", async () => {
  await database.queryAlone(
    `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, started_at, finished_at)
     SELECT 'main', 'acme', 'interval', 'success', now(), now() - interval '1 day', now() - interval '1 day'
     FROM generate_series(1, 20000)`,
  );
  await database.queryAlone("ANALYZE sync_metadata.sync_jobs");
  const { rows } = await database.queryAlone(
    `EXPLAIN SELECT FROM sync_metadata.sync_jobs WHERE cluster = 'main' AND finished_at > now() - interval '5 s'`,
  );
  expect(rows.map((row) => row["QUERY PLAN"]).join("\n")).toContain("sync_jobs_ended");
});
