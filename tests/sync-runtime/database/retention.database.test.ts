import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf, RIVAL } from "../../support/postgres.ts";

const RUN = randomUUID();
const DAY = 86_400;

const cluster = ClusterDatabase.forEach(
  intentOf(["acme"], { settings: { verify: 7 * DAY, tombstones: 90 * DAY, quarantine: 5 } }),
);
beforeEach(async () => {
  await cluster.sync.query(query("beat"), ["main", "a", RUN, 60]);
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", ["acme"]);
});

/** Tombstones as if they had been made so long ago. */
const age = (days: number, count = 1) =>
  cluster.admin.query(
    `INSERT INTO tenant_acme._replica_tombstones (source, reason, content, retired_at)
     SELECT 'chat', 'row', '{}', now() - make_interval(days => $1) FROM generate_series(1, $2)`,
    [days, count],
  );
const drop = async (epoch = "1") =>
  (await cluster.sync.query(query("drop-tombstones"), ["acme", RUN, epoch])).rows[0].dropped;
const left = async () =>
  (await cluster.admin.query("SELECT count(*)::integer AS n FROM tenant_acme._replica_tombstones")).rows[0].n;

describe("tombstones", () => {
  test("go when they are older than the stack's config says, in batches", async () => {
    await age(100, 1200);
    await age(91);
    await age(89, 3);
    expect([await drop(), await drop(), await drop()]).toEqual(["1000", "201", "0"]);
    expect(await left()).toBe(3);
  });

  test("stay as long as another config says", async () => {
    await age(100);
    await cluster.database.apply(
      intentOf(["acme"], { settings: { verify: 7 * DAY, tombstones: 365 * DAY, quarantine: 5 } }),
    );
    expect(await drop()).toBe("0");
  });

  test("are dropped for the leader alone", async () => {
    await age(100);
    expect(await drop("2")).toBeNull();
    await cluster.admin.query("UPDATE sync_metadata.leader_election SET expires_at = clock_timestamp()");
    expect(await drop()).toBeNull();
    expect(await left()).toBe(1);
  });

  test("stay where no retention is declared", async () => {
    await age(1000);
    await cluster.admin.query("DELETE FROM sync_metadata.cluster_settings");
    expect(await drop()).toBe("0");
  });
});

describe("the conflict log", () => {
  /** Conflicts that were resolved so long ago, or that wait since then. */
  const logged = (days: number, count = 1, tenant = "acme", pending = false) =>
    cluster.admin.query(
      `INSERT INTO sync_metadata.conflict_log
         (cluster, tenant, "table", type, strategy, winner, why, edited_at, edited_by, detected_at, resolved_at, job, columns)
       SELECT d.cluster, d.id, 'chat', 'update/update', 'manual', CASE WHEN $4 THEN 'pending' ELSE 'source' END, 'why',
         t.at, 'ana', t.at, CASE WHEN NOT $4 THEN t.at END, 1, '[]'
       FROM sync_metadata.client_deployments AS d, generate_series(1, $2),
         (VALUES (now() - make_interval(days => $1))) AS t (at)
       WHERE d.id = $3`,
      [days, count, tenant, pending],
    );
  const prune = async (run = RUN, epoch = "1") =>
    (await cluster.sync.query(query("prune-conflicts"), [run, epoch])).rows[0].pruned;
  const kept = async () =>
    (await cluster.admin.query("SELECT count(*)::integer AS n FROM sync_metadata.conflict_log")).rows[0].n;

  test("loses what was resolved more than 30 days ago, in batches, by a login that may delete nothing itself", async () => {
    await expect(cluster.sync.query("DELETE FROM sync_metadata.conflict_log")).rejects.toMatchObject({
      code: "42501",
    });
    await logged(31, 1200);
    await logged(29, 3);
    expect([await prune(), await prune(), await prune()]).toEqual(["1000", "200", "0"]);
    expect(await kept()).toBe(3);
  });

  test("keeps what waits for somebody, however long", async () => {
    await logged(400, 2, "acme", true);
    expect(await prune()).toBe("0");
    expect(await kept()).toBe(2);
  });

  test("is pruned for the leader alone, and of its own cluster", async () => {
    await cluster.database.apply(RIVAL);
    await logged(31);
    await logged(31, 1, "rival");
    expect([await prune(RUN, "2"), await prune(randomUUID()), await prune(RUN, "-1")]).toEqual([
      null,
      null,
      null,
    ]);
    expect(await prune()).toBe("1");
    const other = await cluster.database.connect("sync_other");
    expect((await other.query(query("prune-conflicts"), [RUN, "1"])).rows).toEqual([{ pruned: null }]);
    expect(await kept()).toBe(1);
  });
});

test("a tenant without a replica has none to drop", async () => {
  await cluster.database.apply(intentOf(["acme", "globex"]));
  const { rows } = await cluster.sync.query(query("drop-tombstones"), ["globex", RUN, "1"]);
  expect(rows).toEqual([{ dropped: "0" }]);
  expect((await cluster.sync.query(query("replicated-tenants"))).rows).toEqual([{ tenant: "acme" }]);
});
