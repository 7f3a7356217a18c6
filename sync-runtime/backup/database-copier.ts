/**
 * Copies one database of a tenant as it is at one moment, and adds up what the copy holds; then it ends. Started for each
 * copy, so that whatever a hostile file does to SQLite happens to a process that holds nothing and is limited in time and
 * memory. Bundled, it loads no file but itself.
 */
import { statSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { backup } from "node:sqlite";
import { failureOf } from "../agent/reader/failure.ts";
import { openSource } from "../agent/reader/source-database.ts";
import { ContentLimit, TableRows } from "../agent/reader/table-rows.ts";
import type { OpenTask } from "../agent/reader/task.ts";
import { faultPoint } from "../fault-point.ts";
import { isCopied } from "../host/stamp.ts";
import { TableSum } from "../protocol/table-sum.ts";

/** What the copier is told. */
export interface CopierTask extends OpenTask {
  /** Canonical bytes of all rows beyond which the database is taken for forged. */
  maxContentBytes: number;
}

/** Rows and sum of each table, by its name. */
export type TableSums = Record<string, { rows: number; sum: string }>;

/** Pages of one step: the process hears of its end between two. */
const PAGES = 4096;

const say = (word: unknown) => writeSync(1, `${JSON.stringify(word)}\n`);

async function copy(task: CopierTask): Promise<TableSums> {
  const { database } = openSource(task);
  faultPoint("backup:database-opened");
  // What is read from a copy was copied when it was opened.
  if (!isCopied(task.state)) await backup(database, task.copyPath, { rate: PAGES });
  database.close();
  return sumsOf(task.copyPath, task.maxContentBytes);
}

/** Adds up every table of a file that nobody writes to. */
function sumsOf(path: string, maxContentBytes: number): TableSums {
  const { database } = openSource({ database: path, state: "settled", copyPath: "" });
  const limit = new ContentLimit(maxContentBytes);
  const sums: TableSums = {};
  for (const [name] of rows<[string]>(
    database,
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  )) {
    const columns = rows<[string]>(
      database,
      "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid",
      name,
    ).map(([column]) => ({ name: column, declared: "" }));
    if (columns.length === 0) continue;
    const table = new TableRows(database, { name, columns, key: null, ddl: [""] }, null, limit);
    const sum = new TableSum();
    for (const row of table.all()) sum.add(table.digest(row).digest);
    sums[name] = { rows: sum.rows, sum: String(sum) };
  }
  database.close();
  return sums;
}

const rows = <Row>(database: DatabaseSync, sql: string, ...parameters: string[]): Row[] =>
  database.prepare(sql).all(...parameters) as Row[];

const task: CopierTask = JSON.parse(process.argv[2] ?? "");
try {
  const tables = await copy(task);
  say({ ok: true, tables, bytes: statSync(task.copyPath).size });
} catch (error) {
  say({ ok: false, ...failureOf(error) });
}
