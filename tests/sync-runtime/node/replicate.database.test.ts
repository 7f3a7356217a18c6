import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { replicate } from "../../../sync-runtime/node/replicate.ts";
import { SEED } from "../../support/random-seed.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
import { ScriptedSource, streamOf } from "./scripted-source.ts";
import { RUN, type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;

beforeAll(async () => {
  replicas = await TestReplicas.create();
});
afterAll(() => replicas[Symbol.asyncDispose]());

beforeEach(() => {
  replica = replicas.nextTenant();
  source = replica.source;
  source.tables = {
    user: {
      columns: ["id TEXT", "name TEXT", "age INTEGER"],
      key: ["id"],
      rows: [
        ["1", "Ada", 36n],
        ["2", "Grace", 85n],
      ],
    },
    log: { columns: ["line TEXT"], rows: [["same"], ["same"], ["other"]] },
  };
});

describe("a sync", () => {
  test("brings every row over, duplicates included, and records what it verified", async () => {
    expect(await replica.sync()).toMatchObject({ status: "success", sync: source.sync });
    expect(await replica.rowsOf("user", "id, name, age")).toEqual([
      { id: "1", name: "Ada", age: "36" },
      { id: "2", name: "Grace", age: "85" },
    ]);
    expect(await replica.rowsOf("log", "line")).toEqual([
      { line: "other" },
      { line: "same" },
      { line: "same" },
    ]);
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
  });

  test("names the last committed sync to the agent, and trusts `unchanged` about it", async () => {
    await replica.sync();
    expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
    expect(source.asked).toEqual([null, source.sync]);
  });

  test("replaces what changed without a tombstone, and keeps what vanished as one", async () => {
    await replica.sync();
    source.table("user").rows = [["1", "Ada Lovelace", 36n]];
    source.table("log").rows = [["same"], ["other"]];
    await replica.sync();
    expect(await replica.rowsOf("user", "id, name")).toEqual([{ id: "1", name: "Ada Lovelace" }]);
    expect(await replica.rowsOf("log", "line")).toEqual([{ line: "other" }, { line: "same" }]);
    expect(await replica.tombstones()).toMatchObject([
      { source: "user", reason: "row", content: { id: "2", name: "Grace", age: 85 } },
      { source: "log", reason: "row", content: { line: "same" } },
    ]);
  });

  test("matches versions by a key of several columns, of which one is odd", async () => {
    const tag = (id: string, user: Uint8Array | null, name: string) => [id, user, name];
    const blob = Buffer.from([1, 2]);
    source.tables = {
      tag: {
        columns: ["id TEXT", "user_id TEXT", "name TEXT"],
        key: ["id", "user_id"],
        rows: [tag("a", blob, "old"), tag("a", null, "old"), tag("b", blob, "gone")],
      },
    };
    await replica.sync();
    source.table("tag").rows = [tag("a", blob, "new"), tag("a", null, "new")];
    await replica.sync();
    expect(await replica.tombstones()).toMatchObject([{ content: { id: "b", name: "gone" } }]);
  });
});

describe("the schema follows the source:", () => {
  test("new and dropped tables", async () => {
    await replica.sync();
    source.tables = { user: source.table("user"), note: { columns: ["id TEXT"], rows: [["n"]] } };
    await replica.sync();
    expect(await replica.rowsOf("note", "id")).toEqual([{ id: "n" }]);
    await expect(replica.rowsOf("log")).rejects.toThrow("does not exist");
    const kept = await replica.tombstones();
    expect(kept.map(({ source, reason, content }) => [source, reason, content.line]).sort()).toEqual([
      ["log", "table", "other"],
      ["log", "table", "same"],
      ["log", "table", "same"],
    ]);
  });

  test("new and dropped columns, with what a dropped one held", async () => {
    await replica.sync();
    source.tables.user = {
      columns: ["email TEXT", "id TEXT", "name TEXT"],
      key: ["id"],
      rows: [
        ["ada@acme.example", "1", "Ada"],
        [null, "2", "Grace"],
      ],
    };
    await replica.sync();
    expect(await replica.rowsOf("user", "id, email")).toEqual([
      { id: "1", email: "ada@acme.example" },
      { id: "2", email: null },
    ]);
    expect(await replica.tombstones()).toMatchObject([
      { source: "user", reason: "column", content: { id: "1", age: 36 } },
      { source: "user", reason: "column", content: { id: "2", age: 85 } },
    ]);
  });

  test("a column of another type, without a tombstone", async () => {
    source.table("user").rows.push(["3", "Alan", "forty-one"]);
    await replica.sync();
    source.table("user").columns = ["id TEXT", "name TEXT", "age TEXT"];
    await replica.sync();
    const kept = [{ age: null, _replica_odd: { age: "490000000000000024" } }];
    expect(await replica.rowsOf("user", "age, _replica_odd")).toEqual(expect.arrayContaining(kept));
    expect(await replica.rowsOf("user", "age, _replica_odd")).toContainEqual({
      age: "forty-one",
      _replica_odd: null,
    });
    expect(await replica.tombstones()).toEqual([]);
  });

  test("another key", async () => {
    await replica.sync();
    source.table("user").key = ["id", "name"];
    source.table("user").rows = [["1", "Augusta", 36n]];
    await replica.sync();
    expect(await replica.tombstones()).toMatchObject([
      { content: { name: "Ada" } },
      { content: { name: "Grace" } },
    ]);
  });
});

describe("what is not equal is never committed:", () => {
  test("a byte altered past the triggers is seen, named and repaired by the sync after", async () => {
    await replica.sync();
    await replicas.intruder.query(`UPDATE "tenant_${replica.tenant}"."user" SET name = 'Adb' WHERE id = '1'`);
    await expect(replica.sync(source.unchanged)).rejects.toThrow(
      "The replica is not equal: user has 2 rows of other content. Somebody other than the nodes changed it " +
        "since it was last verified. The next sync compares every row and repairs it from the source.",
    );
    expect(await replica.recorded()).toEqual({ committed_sync: null, equal: false });
    await replica.sync();
    expect(source.asked.at(-1)).toBeNull();
    expect(await replica.rowsOf("user", "name")).toEqual([{ name: "Ada" }, { name: "Grace" }]);
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
  });

  test("a value that got lost on the way", async () => {
    await replica.sync();
    const before = await replica.recorded();
    const lossy = async () => {
      source.table("user").rows.push(["3", "Alan", 41n]);
      const manifest = source.manifest();
      source.table("user").rows.pop();
      return streamOf([...source.contents(), manifest]);
    };
    await expect(replica.sync(lossy)).rejects.toThrow(
      "The replica is not equal: user has 2 rows instead of 3.",
    );
    expect(await replica.rowsOf("user", "id")).toHaveLength(2);
    expect(await replica.recorded()).not.toEqual(before);
  });

  test("a stream that breaks off", async () => {
    const broken = async () => streamOf(source.contents());
    await expect(replica.sync(broken)).rejects.toMatchObject({ code: "stream-interrupted" });
    await expect(replica.rowsOf("user")).rejects.toThrow("does not exist");
  });

  test.each([
    ["between rows", 1],
    ["behind the last row", 4000],
  ])("a connection to Postgres that ends %s", async (_, frames) => {
    const cut = async () => ({
      bytes: () => 0,
      messages: (async function* () {
        const [header, table, rows] = source.contents();
        if (!header || !table || !rows) throw new Error("the source has a table with rows");
        yield* [header, table];
        for (let sent = 0; sent < frames; sent++) yield rows;
        await replicas.admin.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, $1)",
          [`sync:${replica.tenant}:`],
        );
        for (let sent = 0; sent < 1000; sent++) yield rows;
        yield source.manifest();
      })(),
    });
    await expect(replica.sync(cut)).rejects.toThrow();
    await expect(replica.rowsOf("user")).rejects.toThrow("does not exist");
  });

  test("`unchanged` about a sync that the replica does not hold", async () => {
    await replica.sync();
    source.sync = randomUUID();
    await expect(replica.sync(source.unchanged)).rejects.toThrow("which the replica does not hold");
  });

  test("`unchanged` by a source that counts other rows", async () => {
    await replica.sync();
    source.table("log").rows.pop();
    await expect(replica.sync(source.unchanged)).rejects.toThrow(
      "the source has 2 tables and 4 rows, the replica 2 and 5",
    );
  });

  test("the data of another identity, or of another tenant", async () => {
    await replica.sync();
    const swapped = new ScriptedSource(replica.tenant);
    swapped.tables = source.tables;
    await expect(replica.sync(swapped.full)).rejects.toMatchObject({ code: "identity-changed" });
    const foreign = new ScriptedSource("somebody-else", source.identity.id);
    await expect(replica.sync(foreign.full)).rejects.toThrow(
      "the data says that it is of tenant somebody-else",
    );
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
  });
});

test("a stale claim's commit is refused, however far it came", async () => {
  const stale = await replicas.claim(replica.tenant);
  await replicas.admin.query("UPDATE sync_metadata.tenant_claims SET epoch = epoch + 1 WHERE tenant = $1", [
    replica.tenant,
  ]);
  const connection = await replicas.database.connect("sync_main");
  await expect(replicate(connection, stale, RUN, source.full)).rejects.toMatchObject({ code: "claim-lost" });
  await connection.end();
  await expect(replica.rowsOf("user")).rejects.toThrow("does not exist");
});

test("through any changes of content and shape every sync ends equal", async () => {
  // Names that the functions use for themselves, and one that changes its type.
  const declared = ["t TEXT", "n INTEGER", "digest JSON", "d BLOB", "s REAL", "names BOOLEAN", "t INTEGER"];
  const columns = fc.uniqueArray(fc.constantFrom(...declared), {
    minLength: 1,
    maxLength: 4,
    selector: (column) => column.split(" ")[0],
  });
  const table = columns.chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      key: fc.option(fc.constant([columns[0]?.split(" ")[0] as string]), { nil: undefined }),
      rows: fc.array(fc.tuple(...columns.map(() => sqliteValue)), { maxLength: 6 }),
    }),
  );
  const states = fc.array(fc.dictionary(fc.constantFrom("t", "u", 'v "w"'), table), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(states, async (states) => {
      for (const tables of states) {
        source.tables = tables as typeof source.tables;
        await replica.syncAccepting();
        expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
      }
    }),
    { seed: SEED, numRuns: 20 },
  );
});
