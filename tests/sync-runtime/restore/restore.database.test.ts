import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RawText } from "../../../sync-runtime/protocol/value.ts";
import { restore } from "../../../sync-runtime/restore/restore.ts";
import { until } from "../../support/fleet/until.ts";
import { contentsOfFile } from "../../support/table-contents.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { webuiSchemas } from "../../support/webui-schema.ts";
import { type TestReplica, TestReplicas } from "../node/test-replica.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
import { fileSource } from "./file-source.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let directory: string;
let source: string;
let target: string;

beforeAll(async () => {
  replicas = await TestReplicas.create();
});
afterAll(() => replicas[Symbol.asyncDispose]());
beforeEach(() => {
  replica = replicas.nextTenant();
  directory = mkdtempSync(join(tmpdir(), "restore-"));
  source = join(directory, "source.db");
  target = join(directory, "webui.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Restores over a login of the cluster, unless another is asked for. */
const restored = (changed: object = {}, login: "sync_main" | "fleet_admin" | "sync_other" = "sync_main") =>
  restore({
    connection: replicas.database.credentials(login),
    tenant: replica.tenant,
    to: target,
    force: false,
    held: false,
    ...changed,
  });

/** A source made by statements. */
function make(sql: string): void {
  const made = new DatabaseSync(source, { enableForeignKeyConstraints: false });
  made.exec(sql);
  made.close();
}

/** Everything SQLite keeps of a file but its pages. */
const shapeOf = (path: string) => ({
  schema: ask(path, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"),
  settings: ["page_size", "auto_vacuum", "user_version", "application_id", "journal_mode", "encoding"].map(
    (name) => ask(path, `PRAGMA ${name}`),
  ),
});

function ask(path: string, sql: string): unknown[][] {
  using file = new DatabaseSync(path, { readOnly: true, readBigInts: true, returnArrays: true });
  return file.prepare(sql).all() as unknown as unknown[][];
}

describe("a file rebuilt from a replica", () => {
  test.each(webuiSchemas)("has everything that the source had: %s", async (schema) => {
    createWebuiDatabase(source, { schema, journal: "wal", chats: 3, odd: true });
    await replica.sync(fileSource(source, replica.source.identity));
    const report = await restored();
    expect(contentsOfFile(target)).toEqual(contentsOfFile(source));
    expect(shapeOf(target)).toEqual(shapeOf(source));
    const rows = Object.values(contentsOfFile(source)).reduce((sum, table) => sum + table.length, 0);
    expect(report).toMatchObject({ tenant: replica.tenant, file: target, rows, missing: [] });
  });

  test("holds any value in any column, with its class", async () => {
    const declared = [
      "",
      "INTEGER",
      "REAL",
      "NUMERIC",
      "TEXT",
      "BLOB",
      "BOOLEAN",
      "JSON",
      "DATETIME",
      "BIGINT",
    ];
    const rows = fc.sample(fc.tuple(...declared.map(() => sqliteValue)), { numRuns: 300, seed: 7 });
    const made = new DatabaseSync(source);
    made.exec(`CREATE TABLE t (${declared.map((type, at) => `c${at} ${type}`).join(", ")}); BEGIN`);
    for (const row of rows) {
      const text = row.map((value) => typeof value === "string" || value instanceof RawText);
      const bytes = row.map((value) =>
        typeof value === "string" ? Buffer.from(value) : value instanceof RawText ? value.bytes : value,
      );
      const values = text.map((is) => (is ? "CAST(? AS TEXT)" : "?")).join(", ");
      made.prepare(`INSERT INTO t VALUES (${values})`).run(...bytes);
    }
    made.exec("COMMIT");
    made.close();
    await replica.sync(fileSource(source, replica.source.identity));
    await restored();
    expect(contentsOfFile(target)).toEqual(contentsOfFile(source));
  });

  test("holds rows of megabytes, several behind one another", async () => {
    make(`
      CREATE TABLE large (id INTEGER PRIMARY KEY, text TEXT, blob BLOB, odd INTEGER);
      INSERT INTO large VALUES (1, replace(hex(zeroblob(4000000)), '00', 'ä'), zeroblob(5000000), 1);
      INSERT INTO large VALUES (2, 'small', x'', CAST(zeroblob(3000000) AS TEXT));
      INSERT INTO large VALUES (3, replace(hex(zeroblob(4000000)), '00', 'b'), NULL, NULL);
    `);
    await replica.sync(fileSource(source, replica.source.identity));
    await restored();
    const sums =
      "SELECT id, length(text), length(CAST(text AS BLOB)), length(blob), typeof(odd), hex(substr(odd, 1, 3)) FROM large ORDER BY id";
    expect(ask(target, sums)).toEqual(ask(source, sums));
  });

  test("keeps generated columns, rows without a key and their duplicates, and the counter of ids", async () => {
    make(`
      CREATE TABLE g (a INTEGER, b TEXT GENERATED ALWAYS AS (a || '!') STORED, c AS (a * 2));
      INSERT INTO g (a) VALUES (1), (1), (NULL);
      CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v);
      INSERT INTO counted VALUES (7, 'x');
      CREATE TABLE strict (a INT, b ANY) STRICT;
      INSERT INTO strict VALUES (1, '1'), (2, x'00');
    `);
    await replica.sync(fileSource(source, replica.source.identity));
    await restored();
    expect(contentsOfFile(target)).toEqual(contentsOfFile(source));
    expect(ask(target, "SELECT a, b, c FROM g ORDER BY a")).toEqual(
      ask(source, "SELECT a, b, c FROM g ORDER BY a"),
    );
    expect(ask(target, "SELECT * FROM sqlite_sequence")).toEqual([["counted", 7n]]);
  });

  test("has the settings that the source's file keeps, and is in WAL mode as managed tenants run", async () => {
    make(`
      PRAGMA page_size = 8192; PRAGMA auto_vacuum = 2; PRAGMA user_version = 42; PRAGMA application_id = 7;
      CREATE TABLE t (a); INSERT INTO t VALUES (1);
    `);
    await replica.sync(fileSource(source, replica.source.identity));
    await restored();
    const { settings } = shapeOf(source);
    expect(shapeOf(target).settings).toEqual(settings.with(4, [["wal"]]));
    expect(settings[0]).toEqual([[8192n]]);
  });

  test("has indexes, triggers that do not fire on the way, views, and full-text indexes over its tables", async () => {
    make(`
      CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT);
      CREATE TABLE log (line TEXT);
      CREATE INDEX upper_body ON note (upper(body)) WHERE body <> ';';
      CREATE TRIGGER noted AFTER INSERT ON note BEGIN INSERT INTO log VALUES (';' || new.body); END;
      CREATE VIEW bodies AS SELECT body FROM note;
      CREATE TRIGGER viewed INSTEAD OF INSERT ON bodies BEGIN INSERT INTO note (body) VALUES (new.body); END;
      CREATE VIRTUAL TABLE found USING fts5(body, content='note', content_rowid='id');
      CREATE VIRTUAL TABLE own USING fts5(body);
      INSERT INTO note (body) VALUES ('one word'), ('another');
      INSERT INTO found (found) VALUES ('rebuild');
      INSERT INTO own VALUES ('only here');
    `);
    await replica.sync(fileSource(source, replica.source.identity));
    expect((await restored()).missing).toEqual([
      { name: "own", why: "it was made empty: what its module keeps is in no replica" },
    ]);
    const { schema } = shapeOf(source);
    expect(shapeOf(target).schema).toEqual(schema);
    expect(ask(target, "SELECT line FROM log ORDER BY line")).toEqual([[";another"], [";one word"]]);
    expect(ask(target, "SELECT rowid FROM found WHERE found MATCH 'word'")).toEqual([[1n]]);
    expect(ask(target, "SELECT * FROM bodies ORDER BY 1")).toEqual([["another"], ["one word"]]);
  });

  test("names what cannot be made here, and has all the rows", async () => {
    make("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')");
    await replica.sync(fileSource(source, replica.source.identity));
    await replicas.admin.query(
      `UPDATE sync_metadata.replica_tables SET ddl = ddl || ARRAY['CREATE INDEX odd ON t (a COLLATE absent)',
         'DROP TABLE t', 'CREATE TABLE other (a)'] WHERE tenant = $1`,
      [replica.tenant],
    );
    expect((await restored()).missing).toEqual([
      { name: "odd", why: "it cannot be made: no such collation sequence: absent" },
      {
        name: "DROP TABLE t",
        why: "it cannot be made: a statement that makes a index or trigger was expected",
      },
      { name: "CREATE TABLE other (a)", why: expect.stringContaining("was expected") },
    ]);
    expect(ask(target, "SELECT name FROM sqlite_schema")).toEqual([["t"]]);
  });

  test("reads columns that Postgres has under another name", async () => {
    make("CREATE TABLE t (ctid TEXT, xmin INTEGER); INSERT INTO t VALUES ('a', 1), (NULL, 'odd')");
    await replica.sync(fileSource(source, replica.source.identity));
    await restored();
    expect(contentsOfFile(target)).toEqual(contentsOfFile(source));
  });

  test("counts rows that refer to none as what they are in Open WebUI: normal", async () => {
    make(`
      CREATE TABLE parent (id TEXT PRIMARY KEY);
      CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id), CHECK (id <> 'x'));
      INSERT INTO child VALUES ('1', 'gone'), ('2', NULL);
    `);
    await replica.sync(fileSource(source, replica.source.identity));
    expect(await restored()).toMatchObject({ orphans: 1, missing: [] });
  });
});

describe("what is no file to rely on", () => {
  beforeEach(async () => {
    make(
      "CREATE TABLE chat (id TEXT PRIMARY KEY, title TEXT); INSERT INTO chat VALUES ('1', 'a'), ('2', 'b')",
    );
    await replica.sync(fileSource(source, replica.source.identity));
  });

  /** Nothing but the source is left in the directory. */
  const nothingMade = () => expect(readdirSync(directory)).toEqual(["source.db"]);

  test("is made without what others wrote into the replica, which stays there", async () => {
    const chat = `"tenant_${replica.tenant}".chat`;
    await replicas.admin.query(`UPDATE ${chat} SET title = 'c' WHERE id = '2'`);
    await replicas.admin.query(`DELETE FROM ${chat} WHERE id = '1'`);
    await replicas.admin.query(`INSERT INTO ${chat} (id, title) VALUES ('3', 'd'), ('3', 'd')`);
    expect(await restored()).toMatchObject({ rows: 2, edits: 4 });
    expect(await replica.rowsOf("chat", "id, title")).toEqual([
      { id: "2", title: "c" },
      { id: "3", title: "d" },
      { id: "3", title: "d" },
    ]);
  });

  test("is not made of a replica that somebody changed unseen", async () => {
    await replicas.intruder.query(`UPDATE "tenant_${replica.tenant}".chat SET title = 'c' WHERE id = '2'`);
    await expect(restored()).rejects.toMatchObject({
      code: "not-equal",
      message: expect.stringContaining("chat has 2 rows of other content"),
    });
    await replicas.intruder.query(`DELETE FROM "tenant_${replica.tenant}".chat WHERE id = '2'`);
    await expect(restored()).rejects.toThrow("chat has 1 rows instead of 2");
    nothingMade();
  });

  test("is not made of a replica that was never verified, or that is not there", async () => {
    await replicas.admin.query("UPDATE sync_metadata.replicas SET verified_at = NULL WHERE tenant = $1", [
      replica.tenant,
    ]);
    await expect(restored()).rejects.toMatchObject({ code: "never-verified" });
    await expect(restored({ tenant: "stranger" })).rejects.toMatchObject({ code: "replica-missing" });
    nothingMade();
  });

  test("is made of a replica that is held only when that is said", async () => {
    await replicas.admin.query(
      `UPDATE sync_metadata.replicas SET held_id = gen_random_uuid(), held_reason = 'source-empty', held_detail = '{}', held_at = now()
       WHERE tenant = $1`,
      [replica.tenant],
    );
    await expect(restored()).rejects.toMatchObject({
      code: "replica-held",
      message: expect.stringMatching(/is held \(source-empty\).*--held/),
    });
    nothingMade();
    expect(await restored({ held: true })).toMatchObject({ rows: 2 });
  });

  test("is of no other cluster's replica", async () => {
    await expect(restored({}, "sync_other")).rejects.toMatchObject({ code: "replica-missing" });
    nothingMade();
  });

  test("takes no other file's place unless told so", async () => {
    writeFileSync(target, "precious");
    await expect(restored()).rejects.toMatchObject({ code: "target-exists" });
    expect(readFileSync(target, "utf8")).toBe("precious");
    await restored({ force: true });
    expect(contentsOfFile(target)).toEqual(contentsOfFile(source));
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).sort()).toEqual(["source.db", "webui.db"]);
  });

  test("is not put beside another database's journal, which SQLite would play into it", async () => {
    writeFileSync(`${target}-wal`, "frames");
    await expect(restored({ force: true })).rejects.toMatchObject({
      code: "target-exists",
      message: expect.stringContaining("webui.db-wal"),
    });
    expect(existsSync(target)).toBe(false);
  });

  test("names a directory that is not there", async () => {
    await expect(restored({ to: join(directory, "none/x.db") })).rejects.toMatchObject({
      code: "target-unusable",
    });
  });

  test.skipIf(process.getuid?.() !== 0)(
    "says that the disk is full, and leaves nothing of the file",
    async () => {
      const small = join(directory, "small");
      mkdirSync(small);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", small]);
      try {
        await expect(restored({ to: join(small, "webui.db") })).rejects.toMatchObject({
          code: "disk-full",
          message: expect.stringContaining("Make room there"),
        });
        expect(readdirSync(small)).toEqual([]);
      } finally {
        execFileSync("umount", [small]);
      }
    },
  );

  test("is not there when the program is killed in the middle", async () => {
    await replicas.admin.query("BEGIN");
    await replicas.admin.query(`LOCK TABLE "tenant_${replica.tenant}".chat IN ACCESS EXCLUSIVE MODE`);
    const child = spawn(process.execPath, ["sync-runtime/restore/main.ts"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(
      JSON.stringify({
        connection: replicas.database.credentials("sync_main"),
        tenant: replica.tenant,
        to: target,
      }),
    );
    await until("it has begun", () => readdirSync(directory).length > 1);
    child.kill("SIGKILL");
    await once(child, "exit");
    await replicas.admin.query("ROLLBACK");
    expect(existsSync(target)).toBe(false);
    await restored();
  });

  test("removes what it began when it is told to end", async () => {
    await replicas.admin.query("BEGIN");
    await replicas.admin.query(`LOCK TABLE "tenant_${replica.tenant}".chat IN ACCESS EXCLUSIVE MODE`);
    const child = spawn(process.execPath, ["sync-runtime/restore/main.ts"], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end(
      JSON.stringify({
        connection: replicas.database.credentials("sync_main"),
        tenant: replica.tenant,
        to: target,
      }),
    );
    await until("it has begun", () => readdirSync(directory).length > 1);
    child.kill("SIGTERM");
    await once(child, "exit");
    await replicas.admin.query("ROLLBACK");
    nothingMade();
  });
});
