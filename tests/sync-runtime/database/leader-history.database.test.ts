import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf, RIVAL } from "../../support/postgres.ts";

const [RUN_A, RUN_B] = [randomUUID(), randomUUID()];

const cluster = ClusterDatabase.forEach(intentOf(["acme"]));
const { ask } = cluster;

const beat = async (node: string, run: string, seconds = 3) =>
  (await ask("beat", ["main", node, run, seconds]))[0];
const history = (many = 20) => ask("leader-history", [many]);
/** Waits until a lease that is renewed for the last time now, for ten milliseconds, has expired. */
const expire = async (node: string, run: string) => {
  await beat(node, run, 0.01);
  await cluster.admin.query("SELECT pg_sleep_until(expires_at) FROM sync_metadata.leader_election");
};

test("a leader stands in the history from its first beat on, and its renewals do not", async () => {
  await beat("a", RUN_A);
  await beat("a", RUN_A);
  await beat("b", RUN_B);
  expect(await history()).toEqual([
    {
      epoch: "1",
      node: "a",
      run: RUN_A,
      from: expect.any(Date),
      until: null,
      ended: null,
      age: expect.any(Number),
    },
  ]);
});

test("one that gave its lease back ended then, and one that did not when it expired", async () => {
  await beat("a", RUN_A);
  await ask("release-lease", ["main", RUN_A]);
  await expire("b", RUN_B);
  const lapsed = await history();
  await beat("a", RUN_A);
  const [third, second, first] = await history();
  expect(first).toMatchObject({ epoch: "1", node: "a", ended: "released" });
  expect(second).toMatchObject({ epoch: "2", node: "b", ended: "expired" });
  expect(third).toMatchObject({ epoch: "3", node: "a", until: null, ended: null });
  expect(first.until.getTime()).toBeLessThanOrEqual(second.from.getTime());
  expect(second.until.getTime()).toBeLessThanOrEqual(third.from.getTime());
  // Also while nobody had followed.
  expect(lapsed[0]).toEqual({ ...second, age: expect.any(Number) });
});

test("a holder whose lease lapsed is a new entry", async () => {
  await expire("a", RUN_A);
  await beat("a", RUN_A);
  expect((await history()).map(({ epoch, ended }) => [epoch, ended])).toEqual([
    ["2", null],
    ["1", "expired"],
  ]);
});

test("who follows is told when the lease expires", async () => {
  await beat("a", RUN_A);
  const { epoch, free_in } = await beat("b", RUN_B);
  expect(epoch).toBeNull();
  expect(free_in).toBeGreaterThan(0);
  expect(free_in).toBeLessThanOrEqual(3);
});

test("a thousand changes stay", async () => {
  await cluster.admin.query(`
    INSERT INTO sync_metadata.leader_election (cluster, holder, node, expires_at)
    VALUES ('main', gen_random_uuid(), 'a', clock_timestamp())`);
  await cluster.admin.query(`
    DO $$ BEGIN FOR change IN 2..1100 LOOP
      UPDATE sync_metadata.leader_election SET epoch = change;
    END LOOP; END $$`);
  const { rows } = await cluster.admin.query("SELECT min(epoch), count(*) FROM sync_metadata.leader_history");
  expect(rows).toEqual([{ min: "101", count: "1000" }]);
  expect(await history(2)).toHaveLength(2);
});

test("no login writes the history", async () => {
  await beat("a", RUN_A);
  for (const statement of [
    "UPDATE sync_metadata.leader_history SET ended = 'released', ended_at = now()",
    "DELETE FROM sync_metadata.leader_history",
    "INSERT INTO sync_metadata.leader_history (cluster, epoch, node, run, began_at) VALUES ('main', 9, 'b', gen_random_uuid(), now())",
  ])
    await expect(cluster.sync.query(statement)).rejects.toMatchObject({ code: "42501" });
});

test("another cluster's history is not seen", async () => {
  await beat("a", RUN_A);
  await cluster.database.apply(RIVAL);
  const other = await cluster.database.connect("sync_other");
  expect((await other.query(query("leader-history"), [20])).rows).toEqual([]);
});
