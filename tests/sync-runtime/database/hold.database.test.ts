import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

const RUN = randomUUID();
const HOLD = randomUUID();
const DETAIL = { tables: [{ table: "chat", held: 100, vanished: 90 }] };

const cluster = ClusterDatabase.forEach(intentOf(["acme"]));
const { ask } = cluster;
beforeEach(async () => {
  await cluster.sync.query(query("beat"), ["main", "a", RUN, 60]);
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", ["acme"]);
});

const held = async (columns: string) =>
  (await cluster.admin.query(`SELECT ${columns} FROM sync_metadata.replicas`)).rows[0];

async function claim() {
  await ask("trigger-sync", ["acme"]);
  return (await ask("claim-job", ["main", "a", RUN, 4, []]))[0];
}

async function hold(id = HOLD) {
  const job = await claim();
  const values = ["rows-vanished", JSON.stringify(DETAIL), randomUUID(), "90 of 100 rows of chat vanished."];
  return ask("hold-job", [job.id, job.claim_epoch, id, ...values]);
}

const accept = async (id: string) => (await ask("accept-hold", ["acme", id]))[0].accepted;

test("a job that is held ends so, without a retry, and says what the replica is held for", async () => {
  expect(await hold()).toHaveLength(1);
  const { rows } = await cluster.admin.query("SELECT status, error_code, error FROM sync_metadata.sync_jobs");
  expect(rows).toEqual([
    { status: "held", error_code: "rows-vanished", error: "90 of 100 rows of chat vanished." },
  ]);
  const [status] = await ask("sync-status", [null, 50, null]);
  expect(status).toMatchObject({ held_id: HOLD, held_reason: "rows-vanished", held_detail: DETAIL });
});

test("a job whose claim was lost holds nothing", async () => {
  const job = await claim();
  const values = [HOLD, "source-empty", "{}", null, ""];
  expect(await ask("hold-job", [job.id, String(Number(job.claim_epoch) - 1), ...values])).toEqual([]);
  expect(await held("held_id")).toEqual({ held_id: null });
});

test("the same occasion again keeps its moment and its acceptance", async () => {
  await hold();
  const { held_at: since } = await held("held_at");
  expect(await accept(HOLD)).toBe(true);
  await hold();
  expect(await held("held_at, held_accepted_at IS NOT NULL AS accepted")).toEqual({
    held_at: since,
    accepted: true,
  });
});

test("an acceptance is for one occasion: it is refused for another, and does not pass on", async () => {
  await hold();
  expect(await accept(randomUUID())).toBe(false);
  expect(await accept(HOLD)).toBe(true);
  const another = randomUUID();
  await hold(another);
  expect(await held("held_id, held_accepted_at")).toEqual({ held_id: another, held_accepted_at: null });
  expect(await accept(HOLD)).toBe(false);
});

test("a hold is ended under the tenant's claim alone", async () => {
  await hold();
  const job = await claim();
  const stale = String(Number(job.claim_epoch) - 1);
  await expect(ask("end-hold", ["acme", stale])).rejects.toThrow("is no longer held");
  await ask("end-hold", ["acme", job.claim_epoch]);
  expect(await held("held_id, held_reason, held_detail, held_at, held_sync")).toEqual({
    ...{ held_id: null, held_reason: null, held_detail: null, held_at: null, held_sync: null },
  });
});
