import { randomUUID } from "node:crypto";
import type pg from "pg";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { type AgentClient, AgentError, type ChangeStream } from "../../../sync-runtime/node/agent-client.ts";
import { DEFAULT_TIMING } from "../../../sync-runtime/node/lease-timing.ts";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../sync-runtime/node/node-context.ts";
import { Postgres } from "../../../sync-runtime/node/postgres.ts";
import { systemClock } from "../../../sync-runtime/node/service.ts";
import { Worker } from "../../../sync-runtime/node/worker.ts";
import { until } from "../../support/fleet/until.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import { ScriptedSource } from "./scripted-source.ts";
import { noWriters } from "./scripted-writer.ts";

const HEALTHY = Array.from({ length: 20 }, (_, index) => `healthy-${index}`);
const PARALLEL = 2;
const RUN = randomUUID();
const log = pino({ enabled: false });

let database: TestDatabase;
let admin: pg.Client;
let postgres: Postgres;
let sources: Map<string, ScriptedSource>;
/** What the broken tenant's agent does when it is asked. */
let broken: (signal: AbortSignal) => Promise<ChangeStream>;

beforeEach(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(["broken", ...HEALTHY]));
  admin = await database.connect("postgres");
  postgres = new Postgres(database.credentials("sync_main"), PARALLEL + 4, "node:a", log);
  sources = new Map(HEALTHY.map((tenant) => [tenant, new ScriptedSource(tenant)]));
  for (const source of sources.values())
    source.tables = { note: { columns: ["id text"], key: ["id"], rows: [["one"]] } };
});
afterEach(async () => {
  await postgres.close();
  await database.drop();
});

const agents = {
  changes: (
    _agent: unknown,
    tenant: string,
    committed: string | null,
    _wish: unknown,
    signal: AbortSignal,
  ) => {
    if (tenant === "broken") return broken(signal);
    return (sources.get(tenant) as ScriptedSource).full(committed);
  },
} as unknown as AgentClient;

/** Lets a worker work until the act has happened. */
async function whileWorking(act: (worker: Worker) => Promise<unknown>): Promise<void> {
  const context: NodeContext = {
    ...{ cluster: "main", node: "a", run: RUN, postgres, log, timing: DEFAULT_TIMING },
    ...{ clock: systemClock, random: Math.random, metrics: new Metrics() },
  };
  const stop = new AbortController();
  const worker = new Worker(context, agents, noWriters, PARALLEL);
  const beat = () => postgres.rows("beat", ["main", "a", RUN, 60]);
  await beat();
  const beating = setInterval(() => void beat().catch(() => {}), 1_000);
  const working = worker.run(stop.signal);
  try {
    await act(worker);
  } finally {
    stop.abort();
    await working;
    clearInterval(beating);
  }
}
const triggerAll = async () => {
  for (const tenant of ["broken", ...HEALTHY]) await postgres.rows("trigger-sync", [tenant]);
};
const counts = async () => {
  const { rows } = await admin.query(
    `SELECT count(*) FILTER (WHERE status = 'success' OR status = 'unchanged')::integer AS well,
       count(DISTINCT tenant) FILTER (WHERE status IN ('success', 'unchanged'))::integer AS tenants,
       count(*) FILTER (WHERE tenant = 'broken' AND status = 'failed')::integer AS failed,
       count(*) FILTER (WHERE tenant = 'broken' AND status = 'running')::integer AS running
     FROM sync_metadata.sync_jobs`,
  );
  return rows[0] as { well: number; tenants: number; failed: number; running: number };
};
/** Makes every retry due at once, and says so as a beat does: as long as it takes in truth, in no time. */
const hurry = async (worker: Worker) => {
  await admin.query(
    "UPDATE sync_metadata.sync_jobs SET due_at = clock_timestamp() WHERE status = 'queued' AND reason = 'retry'",
  );
  worker.look();
};

test("a tenant whose agent never answers takes one of two hands; twenty others are synced with the other one", async () => {
  broken = (signal) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await triggerAll();
  await whileWorking(async (worker) => {
    await until("every healthy tenant is synced", async () => (await counts()).tenants === HEALTHY.length);
    expect(await counts()).toMatchObject({ running: 1, failed: 0 });
    // And it ends when somebody cancels it.
    await postgres.rows("cancel-sync", ["broken", "ana"]);
    const { rows } = await admin.query("SELECT id FROM sync_metadata.sync_jobs WHERE status = 'running'");
    worker.cancel([rows[0].id]);
    await until("the cancelled sync is over", async () => (await counts()).running === 0);
  });
  expect((await counts()).failed).toBe(0);
});

test("a tenant that fails at once, again and again, is quarantined while the others are synced", async () => {
  broken = () => Promise.reject(new AgentError("database-damaged", "webui.db is damaged."));
  await triggerAll();
  await whileWorking(async (worker) => {
    await until("every healthy tenant is synced", async () => (await counts()).tenants === HEALTHY.length);
    await until("the broken one has failed five times", async () => {
      await hurry(worker);
      return (await counts()).failed >= 5;
    });
  });
  const claims = "SELECT failures, quarantined_at FROM sync_metadata.tenant_claims WHERE tenant = 'broken'";
  expect((await admin.query(claims)).rows).toMatchObject([{ quarantined_at: expect.any(Date) }]);
  // Each healthy tenant was synced by its one job: none was tried again, none came late behind the broken one's retries.
  expect(await counts()).toMatchObject({ well: HEALTHY.length });
});

test("a tenant whose host is away is asked again and again, and is not quarantined for it", async () => {
  broken = () => Promise.reject(new AgentError("agent-unreachable", "The agent is away."));
  await postgres.rows("trigger-sync", ["broken"]);
  await whileWorking((worker) =>
    until("it has failed six times", async () => {
      await hurry(worker);
      return (await counts()).failed >= 6;
    }),
  );
  const claims = await admin.query(query("sync-status"), [null, 50, null]);
  expect(claims.rows.find(({ id }) => id === "broken")).toMatchObject({ failures: 0, quarantined_at: null });
});
