import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RowWrite, WriteRequest } from "../../../sync-runtime/protocol/write.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { WriterProcess } from "../../support/writer-process.ts";

let writer: WriterProcess;
beforeAll(async () => {
  writer = await WriterProcess.start(["acme"]);
});
afterAll(() => writer[Symbol.asyncDispose]());

const SCHEMA = `
  CREATE TABLE note (id TEXT PRIMARY KEY, title TEXT NOT NULL, stars INTEGER CHECK (stars < 6), slug TEXT UNIQUE);
  INSERT INTO note VALUES ('a', 'A', 1, 'a'), ('b', 'B', 2, 'b'), ('c', 'C', 3, 'c');
`;

/** The tenant's database, made anew. */
function renew(sql = SCHEMA): string {
  const path = writer.database("acme");
  writer.tenant("acme");
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
  change(path, `PRAGMA journal_mode = WAL; ${sql}`);
  return path;
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  // A tenant may forge its own schema.
  database.enableDefensive(false);
  database.exec(sql);
  database.close();
}

const identity = () => writer.identities.get("acme") as string;
const refused = (request: WriteRequest) => expect(writer.write("acme", request)).rejects;

/** All that the tenant's table holds. */
function contents(path: string): unknown {
  const database = new DatabaseSync(path);
  const rows = database.prepare("SELECT * FROM note ORDER BY id").all();
  database.close();
  return rows;
}

describe("nothing of a request is written", () => {
  let path: string;
  let known: KnownSource;
  let good: RowWrite;
  const row = (id: string) => known.row("note", id) as Row;
  beforeEach(() => {
    path = renew();
    known = new KnownSource(path);
    good = known.change("note", row("a"), { ...row("a"), title: "by an operator" });
    known[Symbol.dispose]();
    known = new KnownSource(path);
    return () => known[Symbol.dispose]();
  });

  /** Sends a good row and then others, and expects the refusal and the table as it was. */
  async function expectRefusal(rows: RowWrite[], code: string, more: object = {}): Promise<void> {
    const before = contents(path);
    const request = known.request(identity(), [good, ...rows]);
    await refused(request).toMatchObject({ code, isUncertain: false, ...more });
    expect(contents(path)).toEqual(before);
  }

  it.each<[string, string, (id: string) => RowWrite]>([
    [
      "changed",
      "UPDATE note SET title = 'of the application' WHERE id = 'b'",
      (id) => known.change("note", row(id), { ...row(id), stars: 5n }),
    ],
    [
      "deleted",
      "DELETE FROM note WHERE id = 'b'",
      (id) => known.change("note", row(id), { ...row(id), stars: 5n }),
    ],
    [
      "changed one that is to go",
      "UPDATE note SET stars = 4 WHERE id = 'b'",
      (id) => known.change("note", row(id), undefined),
    ],
    [
      "added one under the key of a new one",
      "INSERT INTO note VALUES ('new', 'of the application', 1, NULL)",
      () => known.change("note", undefined, { id: "new", title: "by an operator", stars: 1n, slug: null }),
    ],
  ])("when the application has %s meanwhile", async (_, sql, of) => {
    const wanted = of("b");
    change(path, sql);
    await expectRefusal([wanted], "source-changed", { refusal: { table: "note", key: wanted.key } });
  });

  it.each<[string, Partial<Row>, string]>([
    ["CHECK", { stars: 6n }, "CHECK constraint failed: stars < 6"],
    ["NOT NULL", { title: null }, "NOT NULL constraint failed: note.title"],
    ["UNIQUE", { slug: "c" }, "UNIQUE constraint failed: note.slug"],
  ])("when a row breaks %s", async (_, values, message) => {
    const wanted = known.change("note", row("b"), { ...row("b"), ...values } as Row);
    await expectRefusal([wanted], "constraint", {
      message: expect.stringContaining(message),
      refusal: { table: "note", key: [{ text: "b" }] },
    });
  });

  it("when a column would store another value than the one wanted", async () => {
    const wanted = known.change("note", row("b"), { ...row("b"), stars: "5" });
    await expectRefusal([wanted], "value-converted", { refusal: { key: [{ text: "b" }] } });
  });

  it("when a table was made otherwise meanwhile, if it is one of the request's", async () => {
    const request = known.request(identity(), [good]);
    change(path, "CREATE TABLE other (id TEXT PRIMARY KEY)");
    expect(await writer.write("acme", request)).toEqual({ written: 1, already: 0 });
    const next = known.change("note", row("b"), { ...row("b"), title: "by an operator" });
    const late = known.request(identity(), [next]);
    change(path, "CREATE INDEX note_by_title ON note (title)");
    await refused(late).toMatchObject({ code: "schema-changed", refusal: { table: "note" } });
    change(path, "DROP TABLE note");
    await refused(late).toMatchObject({ code: "schema-changed", refusal: { table: "note" } });
  });

  it("when the directory holds other data than the sync saw", async () => {
    const request = known.request(identity(), [good]);
    writer.tenant("acme");
    await refused(request).toMatchObject({ code: "identity-changed" });
    writeFileSync(join(path, "../.owui-identity.json"), "{}");
    await refused(request).toMatchObject({ code: "identity-invalid" });
    expect(contents(path)).toMatchObject([{ title: "A" }, {}, {}]);
  });

  it("when the claim's epoch is lower than one that has written, also after a restart", async () => {
    const request = known.request(identity(), [good], "9");
    expect(await writer.write("acme", request)).toEqual({ written: 1, already: 0 });
    const next = known.change("note", row("b"), undefined);
    await writer.stop("SIGKILL");
    await writer.run();
    await refused(known.request(identity(), [next], "8")).toMatchObject({ code: "stale-epoch" });
    expect(await writer.write("acme", known.request(identity(), [next], "9"))).toMatchObject({ written: 1 });
    const last = known.change("note", row("c"), undefined);
    const far = known.request(identity(), [last], "900719925474099312");
    expect(await writer.write("acme", far)).toMatchObject({ written: 1 });
    rmSync(writer.path("state", "acme.epoch"));
  });

  it("when the node that took the tenant over has said so, with a request without rows", async () => {
    const fence = { epoch: "5", identity: "00000000-0000-0000-0000-000000000000", schema: {}, rows: [] };
    expect(await writer.write("acme", fence)).toEqual({ written: 0, already: 0 });
    const request = known.request(identity(), [good], "4");
    await refused(request).toMatchObject({ code: "stale-epoch" });
    expect(contents(path)).toMatchObject([{ title: "A" }, {}, {}]);
    rmSync(writer.path("state", "acme.epoch"));
  });

  it("while the application holds the lock, and is once it has given it back", async () => {
    const request = known.request(identity(), [good]);
    const application = new DatabaseSync(path);
    application.exec("BEGIN IMMEDIATE; UPDATE note SET stars = 0 WHERE id = 'c'");
    await refused(request).toMatchObject({ code: "busy", isUncertain: false });
    application.exec("COMMIT");
    application.close();
    expect(await writer.write("acme", request)).toEqual({ written: 1, already: 0 });
    expect(contents(path)).toMatchObject([{ title: "by an operator" }, {}, { stars: 0 }]);
  });

  it.each<[string, (rows: RowWrite[]) => RowWrite[]]>([
    ["a row twice", ([row]) => [row as RowWrite, row as RowWrite]],
    ["a row without one of its columns", ([row]) => [{ ...(row as RowWrite), after: { id: { text: "a" } } }]],
    ["a row under another key than its own", ([row]) => [{ ...(row as RowWrite), key: [{ text: "b" }] }]],
    ["a key of two columns", ([row]) => [{ ...(row as RowWrite), key: [{ text: "a" }, null] }]],
    [
      "a row that is not what its digest says",
      ([row]) => [{ ...(row as RowWrite), afterDigest: "0".repeat(64) }],
    ],
  ])("when it holds %s", async (_, spoil) => {
    const request = known.request(identity(), [good]);
    await refused({ ...request, rows: spoil(request.rows) }).toMatchObject({ code: "bad-request" });
    expect(contents(path)).toMatchObject([{ title: "A" }, {}, {}]);
  });
});

describe("a schema in which writing a row is more than that is refused", () => {
  it.each<[string, string]>([
    [
      "a trigger",
      "CREATE TRIGGER note_log AFTER UPDATE ON note BEGIN UPDATE other SET a = 1; END; CREATE TABLE other (a)",
    ],
    [
      "a trigger that names the table in other letters",
      "CREATE TRIGGER t AFTER UPDATE ON NOTE BEGIN SELECT 1; END",
    ],
    ["a generated column", "ALTER TABLE note ADD COLUMN twice INTEGER AS (stars * 2)"],
  ])("by %s", async (_, sql) => {
    const path = renew();
    change(path, sql);
    using known = new KnownSource(path);
    const row = known.row("note", "a") as Row;
    const request = known.request(identity(), [
      known.change("note", row, { ...row, title: "by an operator" }),
    ]);
    await refused(request).toMatchObject({ code: "unsupported-schema" });
    expect(contents(path)).toMatchObject([{ title: "A" }, {}, {}]);
  });

  it.each<[string, string]>([
    [
      "shows a table's trigger as another's",
      `CREATE TABLE other (a); CREATE TRIGGER t AFTER UPDATE ON note BEGIN DELETE FROM other; END;
       PRAGMA writable_schema = ON; UPDATE sqlite_schema SET tbl_name = 'other' WHERE name = 't'`,
    ],
    [
      "calls in a CHECK what no schema may call",
      `PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = replace(sql, 'stars < 6', 'load_extension(title)') WHERE name = 'note'`,
    ],
  ])("is forged and %s: the database is damaged", async (_, sql) => {
    const path = renew();
    using known = new KnownSource(path);
    const request = known.request(identity(), [known.change("note", known.row("note", "a"), undefined)]);
    change(path, sql);
    await refused(request).toMatchObject({ code: "database-damaged" });
  });

  it.each<[string, string]>([
    ["a table without a key", "CREATE TABLE seen (id TEXT)"],
    ["a view", "CREATE VIEW seen AS SELECT * FROM note"],
    ["a virtual table", "CREATE VIRTUAL TABLE seen USING fts5 (id)"],
  ])("for %s", async (_, sql) => {
    const path = renew();
    using known = new KnownSource(path);
    const request = known.request(identity(), [known.change("note", known.row("note", "a"), undefined)]);
    change(path, sql);
    const other = {
      ...request,
      schema: { seen: "0".repeat(64) },
      rows: request.rows.map((row) => ({ ...row, table: "seen" })),
    };
    await refused(other).toMatchObject({ code: "unsupported-schema", refusal: { table: "seen" } });
  });

  it("and a constraint that would replace other rows refuses instead", async () => {
    const path = renew(`
      CREATE TABLE note (id TEXT PRIMARY KEY ON CONFLICT REPLACE, title, slug UNIQUE ON CONFLICT REPLACE);
      INSERT INTO note VALUES ('a', 'A', 'a'), ('b', 'B', 'b');
    `);
    using known = new KnownSource(path);
    const row = known.row("note", "a") as Row;
    const changed = known.change("note", row, { ...row, slug: "b" });
    const added = known.change("note", undefined, { id: "c", title: "C", slug: "b" });
    for (const wanted of [changed, added])
      await refused(known.request(identity(), [wanted])).toMatchObject({ code: "constraint" });
    expect(contents(path)).toMatchObject([{ slug: "a" }, { slug: "b" }]);
  });
});
