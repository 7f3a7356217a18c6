import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf, RIVAL } from "../../support/postgres.ts";
import { wellEnded } from "./well-ended.ts";

const RUN = randomUUID();

const cluster = ClusterDatabase.forEach(intentOf(["acme"]));
const { ask } = cluster;

const beat = async () => (await ask("beat", ["main", "a", RUN, 3]))[0];
const claim = async () => (await ask("claim-job", ["main", "a", RUN, 4, []]))[0];
const trigger = () => ask("trigger-sync", ["acme"]);
const cancel = async (actor = "ana") => (await ask("cancel-sync", ["acme", actor]))[0]?.jobs;
const jobs = async () =>
  (
    await cluster.admin.query(
      "SELECT id, reason, status, error, finished_at IS NOT NULL AS ended FROM sync_metadata.sync_jobs ORDER BY id",
    )
  ).rows;
const TEXT = "ana cancelled it. The replica keeps what it has.";

describe("cancelling", () => {
  test("ends a job that waits, and the history tells by whom", async () => {
    const [{ id }] = await trigger();
    expect(await cancel()).toEqual([{ job: id, status: "cancelled" }]);
    expect(await jobs()).toEqual([{ id, reason: "manual", status: "cancelled", error: TEXT, ended: true }]);
    expect(await ask("sync-history", [null, 10, null])).toMatchObject([
      { id, status: "cancelled", error: TEXT },
    ]);
    expect(await claim()).toBeUndefined();
  });

  test("asks for the end of a job that runs; its node finds it in its beat, and it ends with no retry", async () => {
    await trigger();
    const job = await claim();
    expect((await beat()).cancelled).toEqual([]);
    expect(await cancel()).toEqual([{ job: job.id, status: "running" }]);
    expect((await beat()).cancelled).toEqual([job.id]);
    expect(await ask("fail-job", [job.id, job.claim_epoch, "57P01", "terminated", 5, true])).toEqual([
      { status: "cancelled", quarantined: false },
    ]);
    expect(await jobs()).toMatchObject([{ status: "cancelled", error: TEXT, ended: true }]);
    expect((await beat()).cancelled).toEqual([]);
  });

  test("too late leaves a job that ended as it ended", async () => {
    await trigger();
    const job = await claim();
    await ask("record-sync", wellEnded(job, RUN, "success", 1));
    expect(await cancel()).toEqual([]);
    expect(await jobs()).toMatchObject([{ status: "success" }]);
  });

  test("twice keeps who was first", async () => {
    await trigger();
    const job = await claim();
    await cancel("ana");
    await cancel("bo");
    await ask("fail-job", [job.id, job.claim_epoch, "code", "error", 5, true]);
    expect(await jobs()).toMatchObject([{ error: TEXT }]);
  });

  test("takes the interval's sync from nobody: the next comes an interval later", async () => {
    const { epoch } = await beat();
    const schedule = async () =>
      (await ask("schedule-jobs", ["main", RUN, epoch])).filter(({ tenant }) => tenant !== null);
    expect(await schedule()).toHaveLength(1);
    await cancel();
    expect(await schedule()).toEqual([]);
    await cluster.admin.query(
      "UPDATE sync_metadata.sync_jobs SET started_at = started_at - interval '300 s'",
    );
    expect(await schedule()).toHaveLength(1);
  });

  test("is for tenants that the cluster has", async () => {
    expect(await ask("cancel-sync", ["nobody", "ana"])).toEqual([]);
  });

  test("reaches no other cluster's jobs", async () => {
    await cluster.database.apply(RIVAL);
    const other = await cluster.database.connect("sync_other");
    await other.query(query("trigger-sync"), ["rival"]);
    expect(await ask("cancel-sync", ["rival", "ana"])).toEqual([]);
    const seen = await cluster.sync.query("SELECT * FROM sync_metadata.cancel_jobs('rival', 'ana')");
    expect(seen.rows).toEqual([]);
    expect(await jobs()).toMatchObject([{ status: "queued" }]);
  });
});

describe("a tenant that is retired", () => {
  test("takes its jobs with it, also the one that runs", async () => {
    await trigger();
    const job = await claim();
    await trigger();
    await cluster.database.apply(intentOf([]));
    expect(await jobs()).toMatchObject([{ status: "running" }, { status: "cancelled" }]);
    expect((await beat()).cancelled).toEqual([job.id]);
    await ask("fail-job", [job.id, job.claim_epoch, "code", "error", 5, true]);
    expect(await jobs()).toMatchObject([
      { status: "cancelled", error: "up cancelled it. The replica keeps what it has." },
      { status: "cancelled" },
    ]);
  });
});

describe("a tenant that is paused while a sync runs", () => {
  test("keeps what the sync did, and is not synced again", async () => {
    const { epoch } = await beat();
    await ask("schedule-jobs", ["main", RUN, epoch]);
    const job = await claim();
    await ask("move-tenant", ["acme", "provisioning", "paused", "ana", ""]);
    expect(await ask("record-sync", wellEnded(job, RUN, "success", 1))).toMatchObject([{ id: job.id }]);
    await cluster.admin.query(
      "UPDATE sync_metadata.sync_jobs SET started_at = started_at - interval '1 day'",
    );
    expect(await ask("schedule-jobs", ["main", RUN, epoch])).toEqual([{ tenant: null }]);
  });

  test("has its retry wait until it is resumed", async () => {
    await trigger();
    const job = await claim();
    await ask("move-tenant", ["acme", "provisioning", "paused", "ana", ""]);
    await ask("fail-job", [job.id, job.claim_epoch, "code", "error", 0, true]);
    expect(await claim()).toBeUndefined();
    await ask("move-tenant", ["acme", "paused", "provisioning", "ana", ""]);
    expect(await claim()).toMatchObject({ tenant: "acme", attempt: 2 });
  });
});
