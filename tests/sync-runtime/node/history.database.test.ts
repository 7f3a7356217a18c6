import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";
import { wellEnded } from "./well-ended.ts";

const RUN = randomUUID();

const cluster = ClusterDatabase.forEach(intentOf(["acme", "globex"]));
const { ask } = cluster;
beforeEach(async () => {
  await ask("beat", ["main", "a", RUN, 60]);
});

const jobs = async (columns: string) =>
  (await cluster.admin.query(`SELECT ${columns} FROM sync_metadata.sync_jobs ORDER BY id`)).rows;

/** One scheduled sync that ended as told. */
async function scheduled(status: string, tenant = "acme", reason = "interval") {
  const { rows } = await cluster.sync.query(
    `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, due_at) VALUES ('main', $1, $2, clock_timestamp())
     RETURNING id`,
    [tenant, reason],
  );
  const [job] = await ask("claim-job", ["main", "a", RUN, 4, []]);
  expect(job.id).toBe(rows[0].id);
  await ask("record-sync", wellEnded(job, RUN, status));
  return job.id as string;
}

describe("runs that found nothing new", () => {
  test("are one row with their number, the first one's beginning and the last one's end", async () => {
    await scheduled("unchanged");
    const [{ started_at: first }] = await jobs("started_at");
    await scheduled("unchanged");
    const last = await scheduled("unchanged");
    const rows = await jobs("id, runs, first_started_at, started_at > first_started_at AS later");
    expect(rows).toEqual([{ id: last, runs: 3, first_started_at: first, later: true }]);
  });

  test("do not swallow a run that brought something, one that somebody asked for, or another tenant's", async () => {
    await scheduled("unchanged");
    await scheduled("success");
    await scheduled("unchanged");
    await scheduled("unchanged", "acme", "manual");
    await scheduled("unchanged");
    await scheduled("unchanged", "globex");
    expect(await jobs("runs")).toEqual(Array(6).fill({ runs: 1 }));
  });
});

describe("progress", () => {
  const state = { tables: [{ table: "chat", rows: 1, rows_total: 2, bytes: 10, bytes_total: 20 }] };
  const write = (id: string, epoch: string) => ask("write-progress", [id, epoch, JSON.stringify(state)]);

  test("is kept while the job runs, and stays as it was at the end", async () => {
    await ask("trigger-sync", ["acme"]);
    const [job] = await ask("claim-job", ["main", "a", RUN, 4, []]);
    await write(job.id, job.claim_epoch);
    const [status] = await ask("sync-status", [null, 50, null]);
    expect(status).toMatchObject({ running_id: job.id, running_kind: "sync", running_progress: state });
    await ask("record-sync", wellEnded(job, RUN, "success", 1));
    expect((await ask("sync-status", [null, 50, null]))[0]).toMatchObject({
      running_id: null,
      progress: state,
    });
  });

  test("is written neither under a lost claim nor behind the end", async () => {
    await ask("trigger-sync", ["acme"]);
    const [job] = await ask("claim-job", ["main", "a", RUN, 4, []]);
    await write(job.id, String(Number(job.claim_epoch) - 1));
    await ask("record-sync", wellEnded(job, RUN, "success", 1));
    await write(job.id, job.claim_epoch);
    expect(await jobs("progress")).toEqual([{ progress: null }]);
  });
});

describe("the history", () => {
  const fill = (count: number, age: string, status = "failed", tenant = "acme") =>
    cluster.admin.query(
      `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, started_at, finished_at)
       SELECT 'main', $4, 'interval', $2, now(), now() - $3::interval, now() - $3::interval FROM generate_series(1, $1)`,
      [count, status, age, tenant],
    );
  const prune = async (epoch = "1", run = RUN) => (await ask("prune-history", [run, epoch]))[0].pruned;

  test("loses what is older than 30 days, but never a tenant's last hundred or its last success", async () => {
    await fill(1, "90 days", "success");
    await fill(1, "80 days", "unchanged");
    await fill(30, "40 days");
    await fill(60, "20 days");
    await fill(60, "1 day");
    await fill(99, "90 days", "failed", "globex");
    expect(await prune()).toBe("31");
    expect(await prune()).toBe("0");
    const kept = await cluster.admin.query(
      "SELECT tenant, count(*)::integer AS jobs, count(*) FILTER (WHERE status = 'unchanged')::integer AS good FROM sync_metadata.sync_jobs GROUP BY tenant ORDER BY tenant",
    );
    expect(kept.rows).toEqual([
      { tenant: "acme", jobs: 121, good: 1 },
      { tenant: "globex", jobs: 99, good: 0 },
    ]);
  });

  test("keeps an old row that is among the last hundred", async () => {
    await fill(20, "40 days");
    await fill(90, "1 day");
    expect(await prune()).toBe("10");
  });

  test("is pruned by the leader alone", async () => {
    await fill(200, "40 days");
    expect(await prune("0")).toBeNull();
    expect(await prune("1", randomUUID())).toBeNull();
    await cluster.admin.query("UPDATE sync_metadata.leader_election SET expires_at = clock_timestamp()");
    expect(await prune()).toBeNull();
    expect(await jobs("id")).toHaveLength(200);
  });

  test("goes in batches of a thousand", async () => {
    await fill(1500, "40 days");
    expect([await prune(), await prune(), await prune()]).toEqual(["1000", "400", "0"]);
  });

  test("is told newest first, of one tenant or of all", async () => {
    await scheduled("success");
    await scheduled("success", "globex");
    const all = await ask("sync-history", [null, 10, null]);
    expect(all.map(({ client, reason, status }) => [client, reason, status])).toEqual([
      ["globex", "interval", "success"],
      ["acme", "interval", "success"],
    ]);
    expect(await ask("sync-history", [null, 1, null])).toHaveLength(1);
    expect(await ask("sync-history", ["acme", 10, null])).toMatchObject([
      { client: "acme", runs: 1, node: "a" },
    ]);
  });
});

describe("a deep verification", () => {
  const schedule = async () => {
    await ask("schedule-jobs", ["main", RUN, "1"]);
    return await jobs("tenant, kind, reason");
  };
  const replica = (tenant: string, columns: string) =>
    cluster.admin.query(
      `INSERT INTO sync_metadata.replicas (tenant, cluster, made_at, ${columns.split(" = ")[0]})
       VALUES ($1, 'main', now(), ${columns.split(" = ")[1]})`,
      [tenant],
    );

  test("is queued instead of a sync when it is due", async () => {
    await replica("acme", "deep_verified_at = now() - interval '8 days'");
    await replica("globex", "deep_verified_at = now() - interval '6 days'");
    expect(await schedule()).toEqual([
      { tenant: "acme", kind: "verify", reason: "verify" },
      { tenant: "globex", kind: "sync", reason: "interval" },
    ]);
  });

  test("comes also before the interval of syncs is over, but not beside a job", async () => {
    await replica("acme", "deep_verified_at = now()");
    await scheduled("success");
    await cluster.admin.query(
      "UPDATE sync_metadata.replicas SET deep_verified_at = now() - interval '8 days'",
    );
    await ask("schedule-jobs", ["main", RUN, "1"]);
    await ask("schedule-jobs", ["main", RUN, "1"]);
    expect(
      (await jobs("tenant, kind, status")).filter(
        ({ tenant, kind }) => tenant === "acme" && kind === "verify",
      ),
    ).toEqual([{ tenant: "acme", kind: "verify", status: "queued" }]);
  });

  test("of a new replica comes within the interval, at another moment for each tenant", async () => {
    await replica("acme", "deep_verified_at = NULL");
    await replica("globex", "deep_verified_at = NULL");
    const kinds = async (age: string) => {
      await cluster.admin.query("DELETE FROM sync_metadata.sync_jobs");
      await cluster.admin.query("UPDATE sync_metadata.replicas SET made_at = now() - $1::interval", [age]);
      return (await schedule()).map(({ kind }) => kind);
    };
    expect(await kinds("7 days")).toEqual(["verify", "verify"]);
    expect(await kinds("10 minutes")).toEqual(["sync", "sync"]);
    const moments = await cluster.admin.query(
      "SELECT count(DISTINCT hashtext(id) & 1023)::integer AS n FROM sync_metadata.client_deployments",
    );
    expect(moments.rows).toEqual([{ n: 2 }]);
  });

  test("waits while the replica is held", async () => {
    await replica("acme", "deep_verified_at = now() - interval '8 days'");
    await cluster.admin.query(
      "UPDATE sync_metadata.replicas SET held_id = gen_random_uuid(), held_reason = 'source-empty', held_detail = '{}', held_at = now()",
    );
    expect((await schedule())[0]).toMatchObject({ tenant: "acme", kind: "sync" });
  });

  test("can be asked for; what waits already becomes one, and its retry stays one", async () => {
    await ask("trigger-sync", ["acme"]);
    await ask("trigger-verify", ["acme"]);
    await ask("trigger-sync", ["acme"]);
    expect(await jobs("kind, reason")).toEqual([{ kind: "verify", reason: "manual" }]);
    const [job] = await ask("claim-job", ["main", "a", RUN, 4, []]);
    expect(job.kind).toBe("verify");
    await ask("fail-job", [job.id, job.claim_epoch, "agent-unreachable", "The agent is away.", 60, true]);
    expect(await jobs("kind, reason, status")).toContainEqual({
      kind: "verify",
      reason: "retry",
      status: "queued",
    });
  });
});
