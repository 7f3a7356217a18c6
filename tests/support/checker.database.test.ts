import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Checker } from "./checker.ts";
import { TestDatabase } from "./postgres.ts";

const directory = mkdtempSync(join(tmpdir(), "checker-test-"));
const file = join(directory, "webui.db");
let database: TestDatabase;
let admin: pg.Client;
let source: DatabaseSync;
const checker = Checker.start();

beforeAll(async () => {
  database = await TestDatabase.create();
  admin = await database.connect("postgres");
});
afterAll(async () => {
  checker[Symbol.dispose]();
  await database.drop();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  source?.close();
  rmSync(directory, { recursive: true });
  mkdirSync(directory);
  source = new DatabaseSync(file);
  source.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE "a ""b""" (i INTEGER, r, t TEXT, j JSON, b BLOB, o BOOLEAN, made GENERATED ALWAYS AS (i + 1));
    INSERT INTO "a ""b""" VALUES (1, -0.0, 'é', '{"a":"\\u0000"}', x'00ff', 1), (NULL, 9e999, '', 'null', x'', 0);
    INSERT INTO "a ""b""" VALUES ('x', 1.0, CAST(x'6100' AS TEXT), x'7b7d', 'text', 2), (7, 0.1, 't', '[1]', NULL, NULL);
    INSERT INTO "a ""b""" VALUES (7, 0.1, 't', '[1]', NULL, NULL);
    CREATE TABLE empty (x); CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE s USING fts5(y);
  `);
  await admin.query(`
    DROP SCHEMA IF EXISTS tenant_acme CASCADE; CREATE SCHEMA tenant_acme; SET search_path = tenant_acme;
    CREATE TABLE empty (_replica_odd jsonb, x text, _replica_digest bytea);
    CREATE TABLE _replica_tombstones (id bigint);
    CREATE TABLE "a ""b""" (_replica_odd jsonb, b bytea, o boolean, t text, i bigint, r double precision, j json);
    INSERT INTO "a ""b""" VALUES
      (NULL, '\\x00ff', true, 'é', 1, '-0', '{"a":"\\u0000"}'), (NULL, '', false, '', NULL, 'Infinity', 'null'),
      ('{"i": "540000000178", "t": "54000000026100", "j": "42000000027b7d", "b": "540000000474657874",
         "o": "490000000000000002"}', NULL, NULL, NULL, NULL, 1, NULL),
      (NULL, NULL, NULL, 't', 7, 0.1, '[1]'), (NULL, NULL, NULL, 't', 7, 0.1, '[1]');
  `);
});

const compare = () => checker.compare(file, database, "acme");

test("equal is what holds the same values, whatever the order of rows and columns", async () => {
  expect(await compare()).toEqual({ equal: true, tables: 2, rows: 5, differences: [] });
});

test.each([
  ["a byte of a text", `UPDATE "a ""b""" SET t = 'è' WHERE i = 1`, "t = text of 2 bytes 'è'"],
  ["the sign of a zero", `UPDATE "a ""b""" SET r = 0 WHERE i = 1`, "r = real 0.0"],
  ["a row twice", `INSERT INTO "a ""b""" SELECT * FROM "a ""b""" WHERE i = 1`, "i = 1"],
  [
    "a duplicate less",
    `DELETE FROM "a ""b""" WHERE ctid = (SELECT max(ctid) FROM "a ""b""" WHERE i = 7)`,
    "i = 7",
  ],
  [
    "JSON of the same meaning",
    `UPDATE "a ""b""" SET j = '{"a": "\\u0000"}' WHERE i = 1`,
    "j = text of 15 bytes",
  ],
  ["NULL for empty", `UPDATE "a ""b""" SET b = NULL WHERE t = ''`, "b = NULL"],
  [
    "text for a blob",
    `UPDATE "a ""b""" SET _replica_odd = _replica_odd || '{"j": "54000000027b7d"}' WHERE o IS NULL AND r = 1`,
    "j = text of 2",
  ],
  [
    "what the column could hold, beside the row",
    `UPDATE "a ""b""" SET i = NULL, _replica_odd = '{"i": "490000000000000001"}' WHERE i = 1`,
    "keeps beside the row what its column can hold: 1",
  ],
  ["a table less", "DROP TABLE empty", "table empty is not in the replica"],
  ["a table more", "CREATE TABLE more (x text)", "table more is in the replica only"],
  ["a column less", "ALTER TABLE empty DROP COLUMN x", "table empty has columns ['x'] and []"],
  ["another column", "ALTER TABLE empty RENAME x TO y", "table empty has columns ['x'] and ['y']"],
])("%s is seen in the replica", async (_, sql, difference) => {
  await admin.query(sql);
  const { equal, differences } = await compare();
  expect(equal).toBe(false);
  expect(differences.join("\n")).toContain(difference);
});

test("a row that is only in the -wal is seen in the source, and nothing appears beside the file", async () => {
  source.exec(`UPDATE "a ""b""" SET i = 1.5 WHERE i = 1`);
  expect((await compare()).differences.join("\n")).toContain("i = real 1.5");
});

test("what cannot be read is told, and the next comparison works", async () => {
  await expect(checker.compare("/nowhere", database, "acme")).rejects.toThrow("could not compare /nowhere");
  await admin.query(`UPDATE "a ""b""" SET _replica_odd = '{"z": "4e"}' WHERE i = 1`);
  await expect(compare()).rejects.toThrow("keeps values of columns it does not have: ['z']");
  await admin.query(`UPDATE "a ""b""" SET _replica_odd = NULL WHERE i = 1`);
  expect(await compare()).toMatchObject({ equal: true });
});
