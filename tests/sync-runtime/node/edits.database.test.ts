import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { beginSync } from "../../../sync-runtime/node/begin-sync.ts";
import type { Job } from "../../../sync-runtime/node/job.ts";
import { until } from "../../support/fleet/until.ts";
import { SEED } from "../../support/random-seed.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
import { type ScriptedSource, streamOf } from "./scripted-source.ts";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;
let schema = "";

beforeAll(async () => {
  replicas = await TestReplicas.create(60);
});
afterAll(() => replicas[Symbol.asyncDispose]());

beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  schema = `"tenant_${replica.tenant}"`;
  source.tables = {
    // newest_wins unless declared otherwise; file is the source's, config waits for an operator.
    user: {
      columns: ["id TEXT", "name TEXT", "updated_at INTEGER"],
      key: ["id"],
      rows: [
        ["1", "Ada", 1_000n],
        ["2", "Grace", 1_000n],
      ],
    },
    file: {
      columns: ["id TEXT", "owner INTEGER", "name TEXT"],
      key: ["id", "owner"],
      rows: [["f", 1n, "a"]],
    },
    config: { columns: ["key TEXT", "value JSON"], key: ["key"], rows: [["ui", '{"a":  1}']] },
    log: { columns: ["line TEXT"], rows: [["same"], ["same"], ["other"]] },
  };
  await replica.sync();
});

/** What somebody does in SQL, whose writes the triggers see; `$` stands for the replica's schema. */
const write = (statement: string, values: unknown[] = []) =>
  replicas.admin.query(statement.replaceAll("$.", `${schema}.`), values);
const names = async () => (await replica.rowsOf("user", "id, name")).map(({ id, name }) => `${id} ${name}`);
/** What is in the log, oldest first, by the columns that say what happened. */
const conflicts = async () => {
  const { rows } = await replicas.admin.query(
    `SELECT "table", key, type, strategy, winner, before ->> 'name' AS before, source ->> 'name' AS source,
       remote ->> 'name' AS remote, result ->> 'name' AS result, edited_by
     FROM sync_metadata.conflict_log WHERE tenant = $1 ORDER BY id`,
    [replica.tenant],
  );
  return rows;
};
const decided = async () =>
  Number(
    (
      await replicas.admin.query("SELECT decided FROM sync_metadata.replicas WHERE tenant = $1", [
        replica.tenant,
      ])
    ).rows[0].decided,
  );
/** Every table's rows and sum, as recorded and as they are now. */
const sums = async () => {
  const { rows } = await replicas.admin.query(
    `SELECT t.name, t.rows, t.sum, m.rows AS now, m.sum AS sum_now
     FROM sync_metadata.replica_tables AS t, sync_metadata.measure_table(t.tenant, t.name) AS m WHERE t.tenant = $1`,
    [replica.tenant],
  );
  return rows;
};

describe("an edit in a table where the source always wins", () => {
  test.each([
    ["an update", "UPDATE $.file SET name = 'b'", "none/update"],
    ["a deletion", "DELETE FROM $.file", "none/delete"],
    ["an insertion", "INSERT INTO $.file (id, owner, name) VALUES ('f', 2, 'new')", "none/insert"],
  ])(
    "%s is taken off by the next sync and logged, and the sync does not fail",
    async (_, statement, type) => {
      await write(statement);
      expect(await replica.sync(source.unchanged)).toMatchObject({
        status: "unchanged",
        settled: {
          decided: 0,
          conflicts: [{ table: "file", type, strategy: "source_wins", winner: "source" }],
        },
      });
      expect(await replica.rowsOf("file", "id, owner, name")).toEqual([{ id: "f", owner: "1", name: "a" }]);
      expect(await conflicts()).toMatchObject([
        { table: "file", type, winner: "source", edited_by: "postgres" },
      ]);
      expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
    },
  );

  test("is one conflict a row, whatever was done to it in between, and none where nothing is left of it", async () => {
    await write("UPDATE $.file SET name = 'b'");
    await write("DELETE FROM $.file");
    await write("INSERT INTO $.file (id, owner, name) VALUES ('f', 1, 'c')");
    await write("UPDATE $.log SET line = 'x' WHERE line = 'other'");
    await write("UPDATE $.log SET line = 'other' WHERE line = 'x'");
    await replica.sync(source.unchanged);
    expect(await conflicts()).toMatchObject([{ type: "none/update", before: "a", remote: "c", source: "a" }]);
  });

  test("counts for each row that has no key, of several equal ones too", async () => {
    await write("DELETE FROM $.log WHERE line = 'same'");
    await write("INSERT INTO $.log (line) VALUES ('other'), ('other')");
    await replica.sync(source.delta);
    expect((await conflicts()).map(({ type, key }) => `${type} ${key}`).sort()).toEqual([
      "none/delete null",
      "none/delete null",
      "none/insert null",
      "none/insert null",
    ]);
    expect((await replica.rowsOf("log", "line")).map(({ line }) => line)).toEqual(["other", "same", "same"]);
  });

  test("meets what the source wrote meanwhile", async () => {
    await write("UPDATE $.file SET name = 'b'");
    source.table("file").rows = [["f", 1n, "z"]];
    await replica.sync(source.delta);
    expect(await conflicts()).toMatchObject([
      { type: "update/update", before: "a", source: "z", remote: "b" },
    ]);
    expect(await replica.rowsOf("file", "name")).toEqual([{ name: "z" }]);
  });

  test("is no conflict when both did the same", async () => {
    await write("UPDATE $.file SET name = 'z'");
    source.table("file").rows = [["f", 1n, "z"]];
    await replica.sync(source.delta);
    expect(await conflicts()).toEqual([]);
    expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
  });
});

describe("an edit that wins", () => {
  test("stays over many syncs without another conflict, while the replica counts as equal", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    for (let sync = 0; sync < 3; sync++) await replica.sync(source.unchanged);
    source.table("log").rows.push(["more"]);
    await replica.sync(source.delta);
    await replica.sync(source.full);
    expect((await replica.verify()).differences).toEqual([]);
    expect(await names()).toEqual(["1 Countess", "2 Grace"]);
    expect(await conflicts()).toMatchObject([{ type: "none/update", winner: "remote", result: "Countess" }]);
    expect(await decided()).toBe(1);
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
  });

  test.each([
    ["deleted", "DELETE FROM $.user WHERE id = '2'", ["1 Ada"]],
    ["inserted", "INSERT INTO $.user (id, name) VALUES ('3', 'Alan')", ["1 Ada", "2 Grace", "3 Alan"]],
  ])("keeps a row %s, and gives it up when the source comes to the same", async (_, statement, kept) => {
    await write(statement);
    await replica.sync(source.unchanged);
    await replica.sync(source.unchanged);
    expect(await names()).toEqual(kept);
    expect(await decided()).toBe(1);
    source.table("user").rows = kept.map((row) => {
      const [id = "", name = ""] = row.split(" ");
      return [id, name, id === "3" ? null : 1_000n];
    });
    await replica.sync(source.delta);
    expect(await names()).toEqual(kept);
    expect(await decided()).toBe(0);
    expect(await conflicts()).toHaveLength(1);
  });

  test("is asked for anew when the source changes the row, and ends when the source is newer", async () => {
    await write("UPDATE $.user SET name = 'Countess', updated_at = 2000 WHERE id = '1'");
    await replica.sync(source.unchanged);
    source.table("user").rows[0] = ["1", "Augusta", 3_000n];
    await replica.sync(source.delta);
    expect(await names()).toEqual(["1 Augusta", "2 Grace"]);
    expect(await decided()).toBe(0);
    expect(await conflicts()).toMatchObject([
      { type: "none/update", winner: "remote" },
      { type: "update/update", winner: "source", before: "Ada", source: "Augusta", remote: "Countess" },
    ]);
  });

  test("can be edited again, and reverted", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    await replica.sync(source.unchanged);
    await write("UPDATE $.user SET name = 'Lady' WHERE id = '1'");
    await replica.sync(source.unchanged);
    expect(await names()).toEqual(["1 Lady", "2 Grace"]);
    expect(await conflicts()).toMatchObject([
      { before: "Ada" },
      { before: "Ada", source: "Ada", remote: "Lady" },
    ]);
    await write("UPDATE $.user SET name = 'Ada' WHERE id = '1'");
    await replica.sync(source.unchanged);
    expect(await decided()).toBe(0);
    expect(await conflicts()).toHaveLength(2);
  });

  test("outlives a change of the table's columns", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    await replica.sync(source.unchanged);
    source.table("user").columns.push("email TEXT");
    for (const row of source.table("user").rows) row.push("a@acme.example");
    await replica.sync(source.delta);
    expect(await replica.rowsOf("user", "id, name, email")).toEqual([
      { id: "1", name: "Countess", email: "a@acme.example" },
      { id: "2", name: "Grace", email: "a@acme.example" },
    ]);
    expect(await conflicts()).toHaveLength(1);
    await replica.sync(source.unchanged);
    expect(await decided()).toBe(1);
  });

  test("goes with its table", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    await replica.sync(source.unchanged);
    const { user: _, ...others } = source.tables;
    source.tables = others;
    await replica.syncAccepting(source.delta);
    expect(await decided()).toBe(0);
    expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
  });
});

describe("without a commit the edits are as they were:", () => {
  const list = async () =>
    (
      await replicas.admin.query(
        `SELECT op, after ->> 'name' AS name FROM ${schema}._replica_edits ORDER BY id`,
      )
    ).rows;

  test("a sync that fails", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    const broken = async () => {
      throw new Error("the agent is away");
    };
    await expect(replica.sync(broken)).rejects.toThrow("the agent is away");
    expect(await names()).toEqual(["1 Countess", "2 Grace"]);
    expect(await list()).toEqual([{ op: "update", name: "Countess" }]);
    expect(await conflicts()).toEqual([]);
  });

  test("a sync that finds the replica altered unseen beside them, which the next one repairs", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    await replicas.intruder.query(`UPDATE ${schema}."user" SET name = 'Admiral' WHERE id = '2'`);
    source.table("log").rows.push(["more"]);
    await expect(replica.sync(source.delta)).rejects.toThrow(
      "user has 2 rows of other content. Somebody other than the nodes changed it",
    );
    expect(await list()).toHaveLength(1);
    await replica.sync(source.delta);
    expect(await names()).toEqual(["1 Countess", "2 Grace"]);
    expect(await decided()).toBe(1);
  });

  test("a sync that goes wrong by itself, for which nobody's edit is blamed", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    source.table("log").rows.push(["more"]);
    const wrong = async (committed: string | null) => {
      const { messages } = await source.delta(committed);
      const sent = await Array.fromAsync(messages);
      const manifest = sent.at(-1);
      if (manifest?.type === "manifest") for (const table of manifest.manifest.tables) table.rows++;
      return streamOf(sent);
    };
    await expect(replica.sync(wrong)).rejects.toThrow("Nothing of this sync was kept");
    expect(await list()).toHaveLength(1);
  });

  test("one that lost its claim", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    const stale = async (committed: string | null) => {
      await replicas.admin.query(
        "UPDATE sync_metadata.tenant_claims SET epoch = epoch + 1 WHERE tenant = $1",
        [replica.tenant],
      );
      return source.unchanged(committed);
    };
    await expect(replica.sync(stale)).rejects.toMatchObject({ code: "claim-lost" });
    expect(await list()).toHaveLength(1);
    expect(await conflicts()).toEqual([]);
  });
});

describe("a writer and a sync", () => {
  test("of which the writer came first and stays open: the sync ends, and says who it is", async () => {
    const writer = await replicas.database.connect("postgres");
    await writer.query("SET application_name = 'psql of Ann'");
    await writer.query(`BEGIN; UPDATE ${schema}."user" SET name = 'Countess' WHERE id = '1'`);
    const sync = await replicas.database.connect("sync_main");
    await expect(beginSync(sync, { tenant: replica.tenant } as Job, 0.2)).rejects.toMatchObject({
      code: "edit-open",
      message: expect.stringMatching(/is open: postgres \(process \d+, psql of Ann\)\. Nothing was changed/),
    });
    await sync.query("ROLLBACK");
    await writer.query("COMMIT");
    await replica.sync(source.unchanged);
    expect(await conflicts()).toHaveLength(1);
  });

  test("of which the sync came first: the writer waits, is not lost, and is met by the next sync", async () => {
    await write("UPDATE $.user SET name = 'Countess' WHERE id = '1'");
    const writer = await replicas.database.connect("postgres");
    let written: Promise<unknown> = Promise.resolve();
    const during = async (committed: string | null) => {
      // The row that the running sync takes off and lays again, and one that it does not touch.
      written = writer.query(`UPDATE ${schema}."user" SET name = name || '!' RETURNING name`);
      await until("the writer waits", async () => {
        const { rows } = await replicas.admin.query("SELECT FROM pg_locks WHERE NOT granted");
        return rows.length > 0;
      });
      return source.unchanged(committed);
    };
    await replica.sync(during);
    expect(await written).toMatchObject({ rowCount: 2 });
    expect(await names()).toEqual(["1 Countess!", "2 Grace!"]);
    await replica.sync(source.unchanged);
    expect(await names()).toEqual(["1 Countess!", "2 Grace!"]);
    const remote = (await conflicts()).map(({ remote }) => remote);
    expect(remote.sort()).toEqual(["Countess", "Countess!", "Grace!"]);
  });

  test("of which the writer wants a row that the sync takes out: the writer waits without holding it", async () => {
    source.table("file").rows = [["f", 1n, "changed by the source"]];
    const writer = await replicas.database.connect("postgres");
    let written: Promise<unknown> = Promise.resolve();
    const during = async (committed: string | null) => {
      written = writer.query(`UPDATE ${schema}.file SET name = 'edited'`);
      await until("the writer waits", async () => {
        const { rows } = await replicas.admin.query("SELECT FROM pg_locks WHERE NOT granted");
        return rows.length > 0;
      });
      return source.delta(committed);
    };
    expect(await replica.sync(during)).toMatchObject({ status: "success" });
    // That version of the row is gone, and the writer is told so.
    expect(await written).toMatchObject({ rowCount: 0 });
    expect(await replica.rowsOf("file", "name")).toEqual([{ name: "changed by the source" }]);
  });
});

test("whatever is edited in whatever values, the sync takes exactly that off again", {
  timeout: 300_000,
}, async () => {
  const table = fc.record({
    key: fc.constantFrom<string[] | undefined>(undefined, ["id"], ["id", "n"]),
    rows: fc.array(fc.tuple(sqliteValue, sqliteValue, sqliteValue), { minLength: 1, maxLength: 6 }),
    edits: fc.array(
      fc.record({
        op: fc.constantFrom("update", "delete", "copy", "insert"),
        row: fc.nat(5),
        text: fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\0", "")),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(table, async ({ key, rows, edits }) => {
      source.tables = {
        t: { columns: ["id TEXT", "n INTEGER", 'a"%s JSON'], rows, ...(key ? { key } : {}) },
      };
      await replica.syncAccepting();
      const before = await sums();
      const at = "ctid = (SELECT ctid FROM $.t ORDER BY _replica_digest, ctid OFFSET $1 LIMIT 1)";
      for (const { op, row, text } of edits) {
        if (op === "update") await write(`UPDATE $.t SET id = $2 WHERE ${at}`, [row, text]);
        if (op === "delete") await write(`DELETE FROM $.t WHERE ${at}`, [row]);
        if (op === "copy")
          await write(
            `INSERT INTO $.t (_replica_odd, id, n, "a""%s") SELECT _replica_odd, id, n, "a""%s" FROM $.t WHERE ${at}`,
            [row],
          );
        if (op === "insert") await write("INSERT INTO $.t (id, n) VALUES ($1, 1)", [text]);
      }
      const sync = await replicas.database.connect("sync_main");
      await beginSync(sync, { tenant: replica.tenant } as Job);
      await sync.query("COMMIT");
      await sync.end();
      expect(await sums()).toEqual(before);
    }),
    { seed: SEED, numRuns: 6 },
  );
});
