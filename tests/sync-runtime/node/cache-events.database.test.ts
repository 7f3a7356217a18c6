import { randomUUID } from "node:crypto";
import type pg from "pg";
import { describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf, RIVAL } from "../../support/postgres.ts";

const [RUN_A, RUN_B] = [randomUUID(), randomUUID()];

const cluster = ClusterDatabase.forEach(intentOf(["acme", "globex"]));

/** What a node's beat says has changed. */
const heard = async (node: string, run: string): Promise<string[]> => {
  const { rows } = await cluster.sync.query(query("beat"), ["main", node, run, 3]);
  return rows[0].events.map(({ kind, subject }: { kind: string; subject: string }) => `${kind} ${subject}`);
};
const pauseTenant = (client: pg.Client, tenant: string) =>
  client.query(query("move-tenant"), [tenant, "provisioning", "paused", "ana", ""]);

describe("a beat", () => {
  test("brings what was committed since the one before, to every node, and then no more", async () => {
    await heard("a", RUN_A);
    await heard("b", RUN_B);
    await pauseTenant(cluster.sync, "acme");
    expect(await heard("a", RUN_A)).toEqual(["deployment acme"]);
    expect(await heard("b", RUN_B)).toEqual(["deployment acme"]);
    await heard("a", RUN_A);
    expect(await heard("a", RUN_A)).toEqual([]);
  });

  test("of a new run brings everything that is there: it knows nothing yet", async () => {
    await heard("a", RUN_A);
    expect(await heard("a", randomUUID())).toContain("deployment globex");
  });

  test("misses no change whose transaction began before others and ended behind them", async () => {
    await heard("a", RUN_A);
    const slow = await cluster.database.connect("sync_main");
    await slow.query("BEGIN");
    await pauseTenant(slow, "acme");
    await pauseTenant(cluster.sync, "globex");
    // The later number is heard first.
    expect(await heard("a", RUN_A)).toEqual(["deployment globex"]);
    expect(await heard("a", RUN_A)).not.toContain("deployment acme");
    await slow.query("COMMIT");
    expect(await heard("a", RUN_A)).toContain("deployment acme");
  });

  test("brings nothing of what was rolled back", async () => {
    await heard("a", RUN_A);
    await cluster.sync.query("BEGIN");
    await pauseTenant(cluster.sync, "acme");
    await cluster.sync.query("ROLLBACK");
    expect(await heard("a", RUN_A)).toEqual([]);
  });

  test("brings what an up changes: hosts, retired tenants, intervals", async () => {
    await heard("a", RUN_A);
    const intent = intentOf(["acme"]);
    const agent = { address: "127.0.0.1:1", identity: "urn:owui:agent:local" };
    await cluster.database.apply({ ...intent, hosts: [{ id: "local", agent }] });
    expect((await heard("a", RUN_A)).toSorted()).toEqual(["deployment globex", "host local"]);
  });

  test("brings nothing of another cluster", async () => {
    await heard("a", RUN_A);
    await cluster.database.apply(RIVAL);
    expect(await heard("a", RUN_A)).toEqual([]);
    const { rows } = await cluster.sync.query("SELECT DISTINCT cluster FROM sync_metadata.cache_events");
    expect(rows).toEqual([{ cluster: "main" }]);
  });
});

describe("events", () => {
  test("are removed after an hour, by the leader alone", async () => {
    await heard("a", RUN_A);
    await cluster.admin.query(
      "UPDATE sync_metadata.cache_events SET at = at - interval '61 min' WHERE subject = 'acme'",
    );
    const prune = async (run: string) =>
      (await cluster.sync.query(query("prune-cache-events"), [run, 1])).rows[0].pruned;
    expect(await prune(RUN_B)).toBeNull();
    expect(Number(await prune(RUN_A))).toBeGreaterThan(0);
    const { rows } = await cluster.admin.query(
      "SELECT DISTINCT subject FROM sync_metadata.cache_events ORDER BY 1",
    );
    expect(rows).toEqual([{ subject: "globex" }, { subject: "local" }]);
  });

  test.each([
    ["INSERT INTO sync_metadata.cache_events (cluster, kind, subject) VALUES ('main', 'deployment', 'acme')"],
    ["UPDATE sync_metadata.cache_events SET subject = 'x'"],
    ["DELETE FROM sync_metadata.cache_events"],
    ["SELECT sync_metadata.append_cache_event()"],
  ])("are nobody's to forge: a cluster's login is refused %s", async (statement) => {
    await expect(cluster.sync.query(statement)).rejects.toMatchObject({ code: "42501" });
  });
});
