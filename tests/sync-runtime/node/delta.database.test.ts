import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Header, Message } from "../../../sync-runtime/protocol/message.ts";
import { SEED } from "../../support/random-seed.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
import { type ScriptedSource, streamOf } from "./scripted-source.ts";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;

beforeAll(async () => {
  replicas = await TestReplicas.create(60);
});
afterAll(() => replicas[Symbol.asyncDispose]());

beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  source.tables = {
    user: {
      columns: ["id TEXT", "name TEXT", "age INTEGER"],
      key: ["id"],
      rows: [
        ["1", "Ada", 36n],
        ["2", "Grace", 85n],
        ["3", "Alan", 41n],
      ],
    },
    log: { columns: ["line TEXT"], rows: [["same"], ["same"], ["other"]] },
  };
  await replica.sync();
});

/** The next sync's messages of a source that sends a delta, changed by a test before they are sent. */
const altered = (change: (messages: Message[]) => Message[]) => async (committed: string | null) => {
  const messages: Message[] = [];
  for await (const message of (await source.delta(committed)).messages) messages.push(message);
  return streamOf(change(messages));
};
const headerOf = (messages: Message[]): Header => {
  const [first] = messages;
  if (first?.type !== "header") throw new Error("a stream of contents begins with its header");
  return first.header;
};
const oidOf = async (table: string) =>
  (
    await replicas.admin.query("SELECT pg_relation_filenode($1::regclass) AS node", [
      `"tenant_${replica.tenant}"."${table}"`,
    ])
  ).rows[0].node;

describe("a delta", () => {
  test("adds, replaces and removes the rows it carries, and keeps what vanished", async () => {
    const before = await oidOf("user");
    source.table("user").rows = [
      ["1", "Ada Lovelace", 36n],
      ["3", "Alan", 41n],
      ["4", "Edsger", 72n],
    ];
    const synced = await replica.sync(source.delta);
    expect(synced.received).toMatchObject([{ table: "user", rows: 2, retired: 2, tombstoned: 1 }]);
    expect(await replica.rowsOf("user", "id, name")).toEqual([
      { id: "1", name: "Ada Lovelace" },
      { id: "3", name: "Alan" },
      { id: "4", name: "Edsger" },
    ]);
    expect(await replica.tombstones()).toMatchObject([
      { reason: "row", content: { id: "2", name: "Grace" } },
    ]);
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
    expect(await oidOf("user")).toBe(before);
  });

  test("takes equal rows of a table without a key one at a time, and gives them back so", async () => {
    for (const rows of [
      [["same"], ["other"]],
      [["other"]],
      [["other"], ["same"]],
      [["same"], ["same"], ["same"], ["other"]],
    ]) {
      source.table("log").rows = rows;
      await replica.sync(source.delta);
      expect(await replica.rowsOf("log", "line")).toEqual(rows.toSorted().map(([line]) => ({ line })));
    }
    expect((await replica.tombstones()).map(({ content }) => content.line)).toEqual(["same", "same"]);
  });

  test("waits for nobody who reads the replica meanwhile, such as a dump", async () => {
    const dump = await replicas.database.connect("postgres");
    const schema = `"tenant_${replica.tenant}"`;
    await dump.query("BEGIN");
    await dump.query(
      `LOCK TABLE ${schema}.user, ${schema}.log, ${schema}._replica_removed, ${schema}._replica_tombstones,
         sync_metadata.replicas, sync_metadata.replica_tables IN ACCESS SHARE MODE`,
    );
    source.table("user").rows.pop();
    expect(await replica.sync(source.delta)).toMatchObject({ status: "success" });
    source.table("user").rows.pop();
    expect(await replica.sync(source.full)).toMatchObject({ status: "success" });
    await dump.query("ROLLBACK");
  });

  test("of nothing but a new sync is committed as one", async () => {
    const synced = await replica.sync(source.delta);
    expect(synced).toMatchObject({ status: "success", received: [] });
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
  });

  test("tells what it does as it goes", async () => {
    source.table("user").rows.push(["4", "Edsger", 72n], ["5", "Barbara", 50n]);
    const told: unknown[] = [];
    await replica.sync(source.delta, {
      begin: (work) => told.push(work.map(({ table, rows }) => [table, rows])),
      rows: (table, rows, bytes) => told.push([table, rows, bytes > 0]),
    });
    expect(told).toEqual([[["user", 2]], ["user", 2, true]]);
  });
});

describe("the schema follows in a delta:", () => {
  test("a new table, one that is gone, and one that was made anew in another shape", async () => {
    source.tables = {
      note: { columns: ["id TEXT"], rows: [["n"]] },
      log: { columns: ["id INTEGER", "text TEXT"], key: ["id"], rows: [[1n, "made anew"]] },
    };
    const synced = await replica.sync(source.delta);
    expect(synced.retired).toEqual([{ table: "user", tombstoned: 3 }]);
    expect(await replica.rowsOf("note", "id")).toEqual([{ id: "n" }]);
    expect(await replica.rowsOf("log", "id, text")).toEqual([{ id: "1", text: "made anew" }]);
    const kept = (await replica.tombstones()).map(({ source, reason }) => `${source} ${reason}`);
    expect(new Set(kept)).toEqual(new Set(["user table", "log column", "log row"]));
  });

  test("a renamed column, as one that is gone and one that is new", async () => {
    source.table("user").columns = ["id TEXT", "label TEXT", "age INTEGER"];
    await replica.sync(source.delta);
    expect((await replica.rowsOf("user", "label")).map(({ label }) => label)).toEqual([
      "Ada",
      "Alan",
      "Grace",
    ]);
    expect((await replica.tombstones()).map(({ reason, content }) => [reason, content])).toEqual([
      ["column", { id: "1", name: "Ada", _replica_odd: null }],
      ["column", { id: "2", name: "Grace", _replica_odd: null }],
      ["column", { id: "3", name: "Alan", _replica_odd: null }],
    ]);
  });

  test("a column of another type", async () => {
    source.table("user").columns = ["id TEXT", "name TEXT", "age REAL"];
    source.table("user").rows = source
      .table("user")
      .rows.map(([id, name, age]) => [id, name, Number(age)]) as never;
    await replica.sync(source.delta);
    expect(await replica.rowsOf("user", "id, age")).toMatchObject([{ age: 36 }, { age: 85 }, { age: 41 }]);
    expect(await replica.tombstones()).toEqual([]);
  });

  test("another key, by which rows then count as replaced", async () => {
    source.table("user").key = ["name"];
    source.table("user").rows = [["9", "Ada", 36n], ...source.table("user").rows.slice(1)];
    const before = await oidOf("user");
    const synced = await replica.sync(source.delta);
    expect(synced.received).toMatchObject([{ table: "user", rows: 1, retired: 1, tombstoned: 0 }]);
    expect(await oidOf("user")).toBe(before);
  });

  test("and stays as it was when the sync breaks off behind it", async () => {
    source.tables = { user: { columns: ["id TEXT", "more TEXT"], key: ["id"], rows: [["1", "x"]] } };
    const broken = altered((messages) => messages.slice(0, -1));
    await expect(replica.sync(broken)).rejects.toMatchObject({ code: "stream-interrupted" });
    expect(await replica.rowsOf("user", "name, age")).toHaveLength(3);
    expect(await replica.rowsOf("log", "line")).toHaveLength(3);
    expect(await replica.tombstones()).toEqual([]);
  });
});

/** A sync that has to fail, what it says, and one full sync that makes everything good. */
async function expectRepaired(ask: typeof source.delta, message: string) {
  await expect(replica.sync(ask)).rejects.toThrow(message);
  expect(await replica.recorded()).toEqual({ committed_sync: null, equal: false });
  await replica.sync(source.delta);
  expect(source.asked.at(-1)).toBeNull();
  expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
}

describe("a delta that does not fit is never committed:", () => {
  test("one that builds on another sync than was named", async () => {
    source.table("log").rows.pop();
    const foreign = altered((messages) => {
      headerOf(messages).base = randomUUID();
      return messages;
    });
    await expect(replica.sync(foreign)).rejects.toThrow("which the replica does not hold");
    expect(await replica.rowsOf("log", "line")).toHaveLength(3);
  });

  test("one that removes a row that is not there", async () => {
    source.table("user").rows.pop();
    const wrong = altered((messages) => {
      for (const message of messages) if (message.type === "removed") message.digests.fill(7);
      return messages;
    });
    await expectRepaired(wrong, "user has only 0 of the 1 rows that the source no longer has.");
  });

  test("one that removes two of equal rows where there is one", async () => {
    source.table("log").rows.pop();
    const twice = altered((messages) =>
      messages.map((message) => {
        if (message.type === "header")
          return {
            ...message,
            header: { ...message.header, work: message.header.work.map((w) => ({ ...w, removed: 2 })) },
          };
        if (message.type === "table") return { ...message, work: { ...message.work, removed: 2 } };
        if (message.type === "removed")
          return { ...message, digests: Buffer.concat([message.digests, message.digests]) };
        return message;
      }),
    );
    await expectRepaired(twice, "log has only 1 of the 2 rows that the source no longer has.");
  });

  test("one that adds a row that is there already", async () => {
    source.table("user").rows.push(["4", "Edsger", 72n]);
    const twice = altered((messages) => {
      source.table("user").rows.pop();
      return [...messages.slice(0, -1), source.manifest()];
    });
    await expectRepaired(twice, "user has 4 rows instead of 3.");
  });

  test("one whose manifest counts other rows, or other bytes", async () => {
    const other = (change: (table: { rows: number; sum: string }) => void) =>
      altered((messages) => {
        const manifest = source.manifest();
        for (const table of manifest.manifest.tables) if (table.name === "log") change(table);
        return [...messages.slice(0, -1), manifest];
      });
    await expectRepaired(
      other((log) => log.rows++),
      "log has 3 rows instead of 4.",
    );
    const flipped = (sum: string) => (sum.endsWith("0") ? "1" : "0");
    await expectRepaired(
      other((log) => {
        log.sum = log.sum.slice(0, -1) + flipped(log.sum);
      }),
      "log has 3 rows of other content.",
    );
  });

  test.each([
    ["fewer rows", (work: Header["work"][number]) => work.rows--, "rows of user"],
    ["more removed ones", (work: Header["work"][number]) => work.removed++, "removed of user"],
  ])("one that announced %s than came", async (_, change, message) => {
    source.table("user").rows = [["1", "Ada Lovelace", 36n], ...source.table("user").rows.slice(1)];
    const announced = altered((messages) => {
      for (const message of messages) if (message.type === "table") change(message.work);
      return messages;
    });
    await expect(replica.sync(announced)).rejects.toThrow(message);
  });

  test("one to a replica that somebody else altered unseen, and it is said who", async () => {
    const somebody = "Somebody other than the nodes changed it since it was last verified.";
    const alter = (statement: string) =>
      replicas.intruder.query(statement.replace("$", `"tenant_${replica.tenant}"`));
    await alter("UPDATE $.user SET name = 'Adb' WHERE id = '1'");
    source.table("log").rows.pop();
    await expectRepaired(source.delta, `user has 3 rows of other content. ${somebody}`);
    expect(await replica.rowsOf("user", "name")).toContainEqual({ name: "Ada" });

    // The very row that the source removes as well.
    await alter("DELETE FROM $.user WHERE id = '1'");
    source.table("user").rows.shift();
    await expectRepaired(source.delta, `user has 2 rows instead of 3. ${somebody}`);

    await alter("DELETE FROM $.log");
    await expectRepaired(source.full, `log has 0 rows instead of 2. ${somebody}`);
  });
});

describe("syncs of which one side remembers less", () => {
  test("an acknowledgement that got lost: the same changes come again, from the sync that was committed", async () => {
    const committed = source.sync;
    source.table("user").rows.pop();
    const lost = altered((messages) => messages.slice(0, -1));
    await expect(replica.sync(lost)).rejects.toMatchObject({ code: "stream-interrupted" });
    expect(await replica.recorded()).toEqual({ committed_sync: committed, equal: true });
    // The source's own record is of the sync that nobody committed: it cannot tell what changed since.
    await replica.sync(source.delta);
    expect(source.asked.slice(-2)).toEqual([committed, committed]);
    expect(await replica.rowsOf("user", "id")).toEqual([{ id: "1" }, { id: "2" }]);
  });

  test("a target that was restored from an older dump", async () => {
    const schema = `"tenant_${replica.tenant}"`;
    const { admin, intruder } = replicas;
    await admin.query(`CREATE TABLE old_log AS SELECT line FROM ${schema}.log`);
    const old = await admin.query("SELECT committed_sync FROM sync_metadata.replicas WHERE tenant = $1", [
      replica.tenant,
    ]);
    const tables = await admin.query(
      "SELECT name, rows, sum FROM sync_metadata.replica_tables WHERE tenant = $1",
      [replica.tenant],
    );
    source.table("log").rows = [["other"], ["new"]];
    await replica.sync(source.delta);

    // Whoever loads a dump disables triggers.
    await intruder.query(`DELETE FROM ${schema}.log`);
    await intruder.query(`INSERT INTO ${schema}.log (line) SELECT line FROM old_log`);
    await admin.query("UPDATE sync_metadata.replicas SET committed_sync = $1 WHERE tenant = $2", [
      old.rows[0].committed_sync,
      replica.tenant,
    ]);
    for (const { name, rows, sum } of tables.rows)
      await admin.query(
        "UPDATE sync_metadata.replica_tables SET rows = $1, sum = $2 WHERE tenant = $3 AND name = $4",
        [rows, sum, replica.tenant, name],
      );
    await replica.sync(source.delta);
    expect(await replica.rowsOf("log", "line")).toEqual([{ line: "new" }, { line: "other" }]);
  });
});

test("through any changes of content and shape every delta ends equal", async () => {
  const declared = ["t TEXT", "ctid INTEGER", "digest JSON", "d BLOB", "s REAL", "n BOOLEAN", "t INTEGER"];
  const columns = fc.uniqueArray(fc.constantFrom(...declared), {
    minLength: 1,
    maxLength: 3,
    selector: (column) => column.split(" ")[0],
  });
  const table = fc
    .oneof(
      { weight: 3, arbitrary: fc.constant(["t TEXT", "xmin INTEGER"]) },
      { weight: 1, arbitrary: columns },
    )
    .chain((columns) =>
      fc.record({
        columns: fc.constant(columns),
        key: fc.option(fc.constant([columns[0]?.split(" ")[0] as string]), { nil: undefined }),
        rows: fc.array(fc.tuple(...columns.map(() => fc.oneof(fc.constant("same"), sqliteValue))), {
          maxLength: 6,
        }),
      }),
    );
  const states = fc.array(fc.dictionary(fc.constantFrom("t", 'v "w"'), table), {
    minLength: 2,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(states, async (states) => {
      for (const tables of states) {
        source.tables = tables as typeof source.tables;
        await replica.syncAccepting(source.delta);
        expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
      }
    }),
    { seed: SEED, numRuns: 15 },
  );
});
