import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { Job } from "../../../sync-runtime/node/job.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf, RIVAL } from "../../support/postgres.ts";
import { wellEnded } from "./well-ended.ts";

const [RUN_A, RUN_B] = [randomUUID(), randomUUID()];

const cluster = ClusterDatabase.forEach(intentOf(["acme", "globex"]));
const { ask } = cluster;

const beat = async (node: string, run: string, seconds = 3) =>
  (await ask("beat", ["main", node, run, seconds]))[0].epoch;
/** The tenants that were queued; undefined: the epoch was refused. */
const schedule = async (run: string, epoch: unknown) => {
  const rows = await ask("schedule-jobs", ["main", run, epoch]);
  return rows.length === 0 ? undefined : rows.flatMap(({ tenant }) => tenant ?? []).sort();
};
const claim = async (node: string, run: string, working: string[] = []) =>
  (await ask("claim-job", ["main", node, run, 4, working]))[0];
const trigger = (tenant: string) => ask("trigger-sync", [tenant]);
const expire = () =>
  cluster.admin.query("UPDATE sync_metadata.leader_election SET expires_at = clock_timestamp()");
const silence = (node: string) =>
  cluster.admin.query("UPDATE sync_metadata.nodes SET seen_at = seen_at - interval '5 s' WHERE id = $1", [
    node,
  ]);

describe("the lease", () => {
  test("is one node's until it expires, under one epoch", async () => {
    expect(await beat("a", RUN_A)).toBe("1");
    expect(await beat("b", RUN_B)).toBeNull();
    expect(await beat("a", RUN_A)).toBe("1");
  });

  test("goes on with a higher epoch, also to the node that had it", async () => {
    await beat("a", RUN_A);
    await expire();
    expect(await beat("b", RUN_B)).toBe("2");
    await expire();
    expect(await beat("b", RUN_B)).toBe("3");
  });

  test("is free at once when its holder releases it", async () => {
    await beat("a", RUN_A);
    await ask("release-lease", ["main", RUN_A]);
    expect(await beat("b", RUN_B)).toBe("2");
  });

  test("cannot be released by anybody else", async () => {
    await beat("a", RUN_A);
    await ask("release-lease", ["main", RUN_B]);
    expect(await beat("b", RUN_B)).toBeNull();
  });
});

describe("scheduling", () => {
  test("queues each active tenant once until its interval has passed", async () => {
    const epoch = await beat("a", RUN_A);
    expect(await schedule(RUN_A, epoch)).toEqual(["acme", "globex"]);
    expect(await schedule(RUN_A, epoch)).toEqual([]);
    await cluster.admin.query(
      "UPDATE sync_metadata.sync_jobs SET status = 'success', started_at = clock_timestamp() - interval '200 s', finished_at = clock_timestamp()",
    );
    expect(await schedule(RUN_A, epoch)).toEqual([]);
    await cluster.admin.query(
      "UPDATE sync_metadata.sync_jobs SET started_at = clock_timestamp() - interval '300 s' WHERE tenant = 'acme'",
    );
    expect(await schedule(RUN_A, epoch)).toEqual(["acme"]);
  });

  test("leaves paused and retired tenants alone", async () => {
    const intent = intentOf(["acme"]);
    await cluster.database.apply({
      ...intent,
      tenants: intent.tenants.map((tenant) => ({ ...tenant, paused: true })),
    });
    expect(await schedule(RUN_A, await beat("a", RUN_A))).toEqual([]);
  });

  test.each([
    [
      "of an epoch that is over",
      async () => {
        await beat("a", RUN_A);
        await expire();
        await beat("b", RUN_B);
        return "1";
      },
    ],
    [
      "whose lease has run out, though nobody has taken it",
      async () => {
        const epoch = await beat("a", RUN_A);
        await expire();
        return epoch;
      },
    ],
  ])("is refused to a leader %s", async (_, prepare) => {
    expect(await schedule(RUN_A, await prepare())).toBeUndefined();
  });
});

describe("claiming", () => {
  beforeEach(async () => {
    await beat("a", RUN_A);
    await beat("b", RUN_B);
  });

  test("gives each job to one node, manual ones first", async () => {
    await schedule(RUN_A, "1");
    await trigger("globex");
    expect(await claim("a", RUN_A)).toMatchObject({ tenant: "globex", claim_epoch: "1", taken_over: false });
    expect(await claim("b", RUN_B)).toMatchObject({
      tenant: "acme",
      host: "local",
      agent_identity: "urn:owui:agent:local",
    });
    expect(await claim("b", RUN_B, ["1", "2"])).toBeUndefined();
  });

  test("keeps a tenant's second job waiting for its first", async () => {
    await trigger("acme");
    const first = await claim("a", RUN_A);
    await trigger("acme");
    expect(await claim("b", RUN_B)).toBeUndefined();
    await ask("record-sync", wellEnded(first, RUN_A, "success"));
    expect(await claim("b", RUN_B)).toMatchObject({ tenant: "acme", claim_epoch: "2" });
  });

  test("takes a silent node's job over under a higher epoch; what the silent one says then counts no more", async () => {
    await trigger("acme");
    const first = await claim("a", RUN_A);
    expect(await claim("b", RUN_B)).toBeUndefined();
    await silence("a");
    const second = await claim("b", RUN_B);
    expect(second).toMatchObject({ id: first.id, claim_epoch: "2", taken_over: true, attempt: 2 });
    expect(await ask("record-sync", wellEnded(first, RUN_A, "success"))).toEqual([]);
    expect(await ask("fail-job", [first.id, first.claim_epoch, "code", "error", 1, true])).toEqual([]);
    expect(await ask("lock-claim", ["acme", RUN_A, first.claim_epoch])).toEqual([]);
    expect(await ask("lock-claim", ["acme", RUN_B, second.claim_epoch])).toHaveLength(1);
  });

  test("takes up what this very run gave up without being able to say so", async () => {
    await trigger("acme");
    const { id } = await claim("a", RUN_A);
    expect(await claim("a", RUN_A, [id])).toBeUndefined();
    expect(await claim("a", RUN_A, [])).toMatchObject({ id, taken_over: true });
  });

  test("tells the node how the tenant's conflicts are decided", async () => {
    const intent = intentOf(["acme"]);
    const conflicts = { default: "target_wins", tables: { chat: "manual" } } as const;
    await cluster.database.apply({
      ...intent,
      tenants: intent.tenants.map((tenant) => ({ ...tenant, conflicts })),
    });
    await trigger("acme");
    expect(Job.parse(await claim("a", RUN_A)).conflicts).toEqual(conflicts);
  });

  test("passes over a paused tenant unless somebody asked for it", async () => {
    await schedule(RUN_A, "1");
    const intent = intentOf(["acme"]);
    await cluster.database.apply({
      ...intent,
      tenants: intent.tenants.map((tenant) => ({ ...tenant, paused: true })),
    });
    expect(await claim("a", RUN_A)).toBeUndefined();
    await trigger("acme");
    expect(await claim("a", RUN_A)).toMatchObject({ tenant: "acme" });
  });
});

describe("a failed job", () => {
  beforeEach(() => beat("a", RUN_A));

  test("stays in the history and is followed by a retry that waits", async () => {
    await trigger("acme");
    const job = await claim("a", RUN_A);
    await ask("fail-job", [job.id, job.claim_epoch, "agent-unreachable", "The agent is away.", 60, true]);
    expect(await claim("a", RUN_A)).toBeUndefined();
    const { rows } = await cluster.admin.query(
      "SELECT reason, status, attempt, error_code, error, due_at > clock_timestamp() + interval '50 s' AS waits FROM sync_metadata.sync_jobs ORDER BY id",
    );
    expect(rows).toEqual([
      {
        reason: "manual",
        status: "failed",
        attempt: 1,
        error_code: "agent-unreachable",
        error: "The agent is away.",
        waits: false,
      },
      { reason: "retry", status: "queued", attempt: 2, error_code: null, error: null, waits: true },
    ]);
  });

  test("is tried at once when somebody asks", async () => {
    await trigger("acme");
    const job = await claim("a", RUN_A);
    await ask("fail-job", [job.id, job.claim_epoch, "code", "error", 60, true]);
    await trigger("acme");
    expect(await claim("a", RUN_A)).toMatchObject({ tenant: "acme", attempt: 2 });
  });
});

describe("what is most urgent", () => {
  const TENANTS = ["asked", "asked-verify", "retried", "regular", "regular-verify"];
  beforeEach(async () => {
    await cluster.database.apply(intentOf(TENANTS));
    await beat("a", RUN_A);
  });
  /** Queues a job that has waited for so many seconds. */
  const queue = (tenant: string, reason: string, kind = "sync", waited = 0) =>
    cluster.admin.query(
      `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, kind, due_at)
       VALUES ('main', $1, $2, $3, clock_timestamp() - make_interval(secs => $4))`,
      [tenant, reason, kind, waited],
    );
  /** The tenants in the order in which their jobs are taken. */
  const order = async () => {
    const taken: { id: string; tenant: string }[] = [];
    for (;;) {
      const ids = taken.map(({ id }) => id);
      const job = await claim("a", RUN_A, ids);
      if (!job) return taken.map(({ tenant }) => tenant);
      taken.push(job);
    }
  };

  test("is what somebody asks for, then a retry, then the interval, then what is verified by itself", async () => {
    await queue("regular-verify", "verify", "verify");
    await queue("regular", "interval");
    await queue("retried", "retry");
    await queue("asked-verify", "manual", "verify");
    await queue("asked", "manual");
    expect(await order()).toEqual(TENANTS);
  });

  test.each([
    ["regular", "interval", "sync", 180],
    ["retried", "retry", "sync", 120],
    ["asked-verify", "manual", "verify", 60],
    ["regular-verify", "verify", "verify", 900],
  ])(
    "is %s's %s once it has waited for longer than its bound, whoever asks now",
    async (tenant, reason, kind, bound) => {
      await queue(tenant, reason, kind, bound - 30);
      await queue("asked", "manual");
      expect(await order()).toEqual(["asked", tenant]);
      await cluster.admin.query("DELETE FROM sync_metadata.sync_jobs");
      await queue(tenant, reason, kind, bound + 1);
      await queue("asked", "manual");
      expect(await order()).toEqual([tenant, "asked"]);
    },
  );

  test("leaves nobody behind, however many ask again and again", async () => {
    await queue("regular", "interval");
    for (let minute = 0; ; minute += 1) {
      for (const tenant of ["asked", "retried", "asked-verify"]) await queue(tenant, "manual");
      const { id, tenant } = await claim("a", RUN_A, []);
      if (tenant === "regular") {
        expect(minute).toBeLessThanOrEqual(4);
        return;
      }
      await cluster.admin.query("UPDATE sync_metadata.sync_jobs SET status = 'success' WHERE id = $1", [id]);
      await cluster.admin.query(
        "DELETE FROM sync_metadata.sync_jobs WHERE status = 'queued' AND reason = 'manual'",
      );
      await cluster.admin.query("UPDATE sync_metadata.sync_jobs SET due_at = due_at - interval '59 s'");
    }
  });
});

describe("quarantine", () => {
  beforeEach(() => beat("a", RUN_A));
  /** One sync that fails; when its retry is due, in seconds. */
  const fail = async ({ counts = true, delay = 5 } = {}) => {
    const job = await claim("a", RUN_A);
    const [ended] = await ask("fail-job", [job.id, job.claim_epoch, "code", "error", delay, counts]);
    const { rows } = await cluster.admin.query(
      `SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS waits FROM sync_metadata.sync_jobs
       WHERE tenant = 'acme' AND status = 'queued'`,
    );
    await cluster.admin.query(
      "UPDATE sync_metadata.sync_jobs SET due_at = clock_timestamp() WHERE status = 'queued'",
    );
    return { ...ended, waits: rows[0].waits };
  };
  const failures = async (times: number, how = {}) => {
    for (let time = 0; time < times; time += 1) await fail(how);
  };
  const status = async () => (await ask("sync-status", [null, 50, null])).find(({ id }) => id === "acme");

  test("comes after five failures in a row: the next try is an interval away, an hour at least", async () => {
    await trigger("acme");
    for (let time = 1; time < 5; time += 1) {
      const { quarantined, waits } = await fail();
      expect(quarantined).toBe(false);
      expect(waits).toBeLessThan(6);
    }
    expect(await status()).toMatchObject({ quarantined_at: null, failures: 4 });
    const { quarantined, waits } = await fail();
    expect(quarantined).toBe(true);
    expect(waits).toBeGreaterThan(3590);
    expect(waits).toBeLessThan(3600 * 1.11);
    expect(await status()).toMatchObject({ quarantined_at: expect.any(Date), failures: 5 });
  });

  test("of a tenant that is synced daily is a day long, and lasts from failure to failure", async () => {
    const intent = intentOf(["acme"]);
    const tenants = intent.tenants.map((tenant) => ({ ...tenant, interval: 86_400 }));
    await cluster.database.apply({ ...intent, tenants });
    await trigger("acme");
    await failures(5);
    const { quarantined_at: since } = await status();
    expect((await fail()).waits).toBeGreaterThan(86_000);
    expect((await status()).quarantined_at).toEqual(since);
  });

  test("comes after as many as the config says", async () => {
    await cluster.database.apply(
      intentOf(["acme"], { settings: { ...intentOf([]).settings, quarantine: 2 } }),
    );
    await trigger("acme");
    await fail();
    expect((await fail()).quarantined).toBe(true);
  });

  test("ends with the first success", async () => {
    await trigger("acme");
    await failures(5);
    const job = await claim("a", RUN_A);
    await ask("record-sync", wellEnded(job, RUN_A, "unchanged"));
    expect(await status()).toMatchObject({ quarantined_at: null, failures: 0 });
  });

  test.each(["trigger-sync", "trigger-verify"])("ends when somebody asks: %s", async (statement) => {
    await trigger("acme");
    await failures(5);
    await ask(statement, ["acme"]);
    expect(await status()).toMatchObject({ quarantined_at: null, failures: 0 });
    expect((await fail()).waits).toBeLessThan(6);
  });

  test("is no alert of a tenant that somebody paused", async () => {
    await trigger("acme");
    await failures(5);
    const told = async () => (await ask("replica-metrics", []))[0].quarantined;
    expect(await told()).toBe(true);
    await ask("move-tenant", ["acme", "provisioning", "paused", "ana", ""]);
    expect(await told()).toBe(false);
  });

  test("is not for failures that say nothing about the tenant", async () => {
    await trigger("acme");
    await failures(9, { counts: false });
    expect(await status()).toMatchObject({ quarantined_at: null, failures: 0 });
  });

  test("is not for syncs that somebody cancelled", async () => {
    for (let time = 0; time < 5; time += 1) {
      await trigger("acme");
      const job = await claim("a", RUN_A);
      await ask("cancel-sync", ["acme", "ana"]);
      await ask("fail-job", [job.id, job.claim_epoch, "code", "error", 5, true]);
    }
    expect(await status()).toMatchObject({ quarantined_at: null, failures: 0 });
  });

  test("of one cluster is nobody's to end from another", async () => {
    await trigger("acme");
    await failures(5);
    await cluster.database.apply(RIVAL);
    const other = await cluster.database.connect("sync_other");
    await other.query(query("trigger-sync"), ["acme"]);
    expect((await status()).failures).toBe(5);
  });
});

test("a tenant that does not exist cannot be triggered", async () => {
  expect(await trigger("nobody")).toEqual([]);
});
