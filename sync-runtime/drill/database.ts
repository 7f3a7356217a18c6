/**
 * Adds up the tables of one database, and ends. Whatever a hostile file does to SQLite happens to a process that holds
 * nothing, serves nobody, may read that one folder, and is limited in time and memory. It loads no package.
 */
import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { READING_SETTINGS } from "../host/reading-settings.ts";
import { canonicalPieces, exactValue, quoted, type ReadValue } from "../host/row-batch.ts";
import { readSchema } from "../host/source-schema.ts";
import { MAX_ROW_BYTES } from "../protocol/limit.ts";
import { RowDigester } from "../protocol/row-digest.ts";
import { TableSum } from "../protocol/table-sum.ts";

const STDOUT = 1;

/** What it says: a table a line, then what SQLite finds wrong with the file. */
export type DatabaseWord = { table: string; rows: number; sum: string } | { damage: string[] };

const say = (word: DatabaseWord) => writeSync(STDOUT, `${JSON.stringify(word)}\n`);

function addUp(path: string): void {
  const database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, {
    readOnly: true,
    readBigInts: true,
    returnArrays: true,
    limits: { length: MAX_ROW_BYTES, attach: 0, vdbeOp: 100_000 },
  });
  database.enableDefensive(true);
  database.exec(READING_SETTINGS);
  for (const { name, columns } of readSchema(database).tables) {
    const names = columns.map((column) => column.name);
    const digester = new RowDigester(name, names);
    const sum = new TableSum();
    // Indexes are not asked: a forged one could tell another story than the table.
    const rows = database
      .prepare(`SELECT ${names.map(exactValue).join(", ")} FROM ${quoted(name)} NOT INDEXED`)
      .iterate() as Iterable<unknown>;
    for (const row of rows) sum.add(digester.digestPieces((row as ReadValue[]).map(canonicalPieces)));
    say({ table: name, rows: sum.rows, sum: sum.toString() });
  }
  const said = database.prepare("PRAGMA integrity_check(10)").all() as unknown as unknown[][];
  say({ damage: said.map(([line]) => String(line)).filter((line) => line !== "ok") });
}

addUp(process.argv[2] as string);
