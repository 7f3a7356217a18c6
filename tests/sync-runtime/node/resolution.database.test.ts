import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ScriptedSource } from "./scripted-source.ts";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;
let sync: pg.Client;
let other: pg.Client;
let config = "";

beforeAll(async () => {
  replicas = await TestReplicas.create(20);
  sync = await replicas.database.connect("sync_main");
  other = await replicas.database.connect("sync_other");
});
afterAll(() => replicas[Symbol.asyncDispose]());

/** A setting that the source has as 1 and somebody changed to 2: the table's conflicts wait for an operator. */
beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  config = `"tenant_${replica.tenant}".config`;
  source.tables = {
    config: { columns: ["key TEXT", "value JSON", "n INTEGER"], key: ["key"], rows: [["ui", "1", 7n]] },
  };
  await replica.sync();
  await replicas.admin.query(`UPDATE ${config} SET value = '2'`);
  await replica.sync(source.unchanged);
});

const values = async () => (await replica.rowsOf("config", "value::text")).map(({ value }) => value);
const log = async () => {
  const { rows } = await replicas.admin.query(
    `SELECT id, winner, type, decided_by, result ->> 'value' AS result, superseded_by, job, resolved_job
     FROM sync_metadata.conflict_log WHERE tenant = $1 ORDER BY id`,
    [replica.tenant],
  );
  return rows;
};
const waiting = async (): Promise<string> => (await log()).find(({ winner }) => winner === "pending")?.id;
const resolve = async (accept: string, edited: object | null = null, client = sync) => {
  const parameters = [await waiting(), accept, edited && JSON.stringify(edited), "ann"];
  const { rows } = await client.query(
    "SELECT sync_metadata.resolve_conflict($1, $2, $3, $4) AS done",
    parameters,
  );
  return rows[0].done;
};

test("a conflict that waits leaves the source's row in the replica, whatever many syncs go by", async () => {
  await replica.sync(source.unchanged);
  await replica.sync(source.full);
  expect(await values()).toEqual(["1"]);
  expect(await log()).toMatchObject([{ winner: "pending", type: "none/update", result: null }]);
});

describe("an operator's word", () => {
  test("for the source ends the conflict", async () => {
    expect(await resolve("source")).toBe(true);
    await replica.sync(source.unchanged);
    expect(await values()).toEqual(["1"]);
    expect(await log()).toMatchObject([{ winner: "source", decided_by: "ann" }]);
    expect(await waiting()).toBeUndefined();
  });

  test("for the edit is applied by the next sync and by none after it", async () => {
    await resolve("remote");
    expect(await values()).toEqual(["1"]);
    expect((await replica.sync(source.unchanged)).settled).toMatchObject({ resolved: 1, decided: 1 });
    expect((await replica.sync(source.unchanged)).settled).toMatchObject({ resolved: 0, decided: 1 });
    expect(await values()).toEqual(["2"]);
    expect(await log()).toMatchObject([{ winner: "remote", result: "2", decided_by: "ann" }]);
  });

  test("with a row of its own lays that, and what it does not name stays the edit's", async () => {
    await resolve("remote", { value: '{"a": 3}' });
    await replica.sync(source.unchanged);
    expect(await replica.rowsOf("config", "value::text, n")).toEqual([{ value: '{"a": 3}', n: "7" }]);
    expect(await log()).toMatchObject([{ winner: "merged" }]);
  });

  test("may be taken back before a sync applied it", async () => {
    await resolve("remote");
    await resolve("source");
    await replica.sync(source.unchanged);
    expect(await values()).toEqual(["1"]);
  });

  test("is applied once, though the first sync that did so never committed", async () => {
    await resolve("remote");
    const cut = async (committed: string | null) => {
      const stream = await source.unchanged(committed);
      await replicas.admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, $1)",
        [`sync:${replica.tenant}:`],
      );
      return stream;
    };
    await expect(replica.sync(cut)).rejects.toThrow();
    expect(await log()).toMatchObject([{ winner: "pending" }]);
    await replica.sync(source.unchanged);
    await replica.sync(source.unchanged);
    expect(await values()).toEqual(["2"]);
    expect(await log()).toHaveLength(1);
  });

  test("about a row that the source changed since is not applied: the conflict is opened anew", async () => {
    const shown = await waiting();
    await resolve("remote");
    source.table("config").rows = [["ui", "9", 7n]];
    expect((await replica.sync(source.delta)).settled).toMatchObject({
      resolved: 0,
      reopened: 1,
      decided: 0,
    });
    expect(await values()).toEqual(["9"]);
    const [before, now] = await log();
    expect(before).toMatchObject({ id: shown, winner: "source", superseded_by: now.id });
    expect(now).toMatchObject({ winner: "pending", type: "update/update" });
    await resolve("remote");
    await replica.sync(source.unchanged);
    expect(await values()).toEqual(["2"]);
  });

  test("gives way to whoever edits the row once more", async () => {
    await resolve("remote");
    await replicas.admin.query(`UPDATE ${config} SET value = '5'`);
    await replica.sync(source.unchanged);
    expect(await values()).toEqual(["1"]);
    expect(await log()).toMatchObject([{ winner: "source" }, { winner: "pending" }]);
  });

  test("is nothing to a table that is gone", async () => {
    await resolve("remote");
    source.tables = { note: { columns: ["id TEXT"], rows: [["n"]] } };
    await replica.syncAccepting(source.full);
    expect(await log()).toMatchObject([{ winner: "source" }]);
  });

  test.each([
    ["a value that its column cannot hold", { n: "seven" }],
    ["JSON that is none", { value: "{" }],
    ["another key", { key: "other" }],
  ])("cannot name %s", async (_, edited) => {
    await expect(resolve("remote", edited)).rejects.toMatchObject({ code: expect.stringMatching(/^22/) });
    await replica.sync(source.unchanged);
    expect(await log()).toMatchObject([{ winner: "pending" }]);
  });

  test("of another cluster is not heard, nor one about what was decided", async () => {
    expect(await resolve("remote", null, other)).toBe(false);
    const id = await waiting();
    await resolve("source");
    await replica.sync(source.unchanged);
    const again = await sync.query(
      "SELECT sync_metadata.resolve_conflict($1, 'remote', NULL, 'ann') AS done",
      [id],
    );
    expect(again.rows).toEqual([{ done: false }]);
    expect((await other.query("SELECT FROM sync_metadata.conflict_log")).rowCount).toBe(0);
  });
});
