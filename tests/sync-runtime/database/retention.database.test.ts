import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

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

test("a tenant without a replica has none to drop", async () => {
  await cluster.database.apply(intentOf(["acme", "globex"]));
  const { rows } = await cluster.sync.query(query("drop-tombstones"), ["globex", RUN, "1"]);
  expect(rows).toEqual([{ dropped: "0" }]);
  expect((await cluster.sync.query(query("replicated-tenants"))).rows).toEqual([{ tenant: "acme" }]);
});
