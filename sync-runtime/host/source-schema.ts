import type { DatabaseSync } from "node:sqlite";
import { MAX_COLUMNS, MAX_TABLES } from "../protocol/limit.ts";
import type { SourceFile, SourceTable } from "../protocol/message.ts";
import { nameProblem } from "../protocol/name.ts";
import type { RecordColumn } from "./record.ts";
import { TenantError } from "./tenant-error.ts";

/** All statements of a schema together; Open WebUI's are 20 KB. */
const MAX_DDL_BYTES = 4 * 1024 * 1024;

/** A row of sqlite_schema. */
interface Entry {
  type: string;
  name: string;
  /** The table an index or trigger belongs to. */
  table: string;
  sql: string | null;
  root: number;
}

/** Where SQLite keeps a table's rows. */
export interface TableStorage {
  /** Root page of its tree. */
  root: number;
  /** A name by which its rowids can be asked for; null when it has none, or its columns took all their names. */
  rowid: string | null;
  /** Where a stored row has the columns that are replicated; null for a table without rowids. */
  record: RecordColumn[] | null;
}

/** A database's schema, as far as it is replicated, and what is not. */
export interface SourceSchema {
  tables: SourceTable[];
  /** Of each table. */
  storage: TableStorage[];
  file: SourceFile;
  skipped: { name: string; why: string }[];
}

/**
 * Discovers what a database holds. Tables are found, never listed; what has no rows of its own is skipped by name;
 * an ordinary table that no replica could hold is a {@link TenantError}, since leaving it out would be a silent loss.
 */
export function readSchema(database: DatabaseSync): SourceSchema {
  const entries = readEntries(database);
  const kinds = readKinds(database);
  const skipped: SourceSchema["skipped"] = [];
  const kept: Entry[] = [];
  for (const entry of entries) {
    const why = reasonToSkip(entry, kinds);
    if (why) skipped.push({ name: entry.name, why });
    else if (entry.type === "table") kept.push(entry);
  }
  if (kept.length > MAX_TABLES)
    throw new TenantError(
      "schema-unsupported",
      `There are ${kept.length} tables; at most ${MAX_TABLES} are replicated.`,
    );
  const tables = kept.map((entry) => readTable(database, entry, entries, skipped));
  const withoutRowid = readTablesWithoutRowid(database);
  const storage = kept.map(({ name, root }) => {
    const isWithout = withoutRowid.has(name);
    return {
      root,
      rowid: isWithout ? null : rowidName(database, name),
      record: isWithout ? null : recordColumns(database, name),
    };
  });
  return {
    tables,
    storage,
    file: { objects: readObjects(entries, kinds), pragmas: readPragmas(database) },
    skipped,
  };
}

/** What SQLite itself says that each table is: table, view, virtual, or shadow of a virtual one. */
const readKinds = (database: DatabaseSync): Map<string, string> =>
  new Map(rows<[string, string]>(database, "SELECT name, type FROM pragma_table_list WHERE schema = 'main'"));

const readTablesWithoutRowid = (database: DatabaseSync): Set<string> =>
  new Set(
    rows<[string]>(database, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr").map(
      ([name]) => name,
    ),
  );

/** The first of the rowid's names that is no column's. */
function rowidName(database: DatabaseSync, table: string): string | null {
  const names = rows<[string]>(database, "SELECT name FROM pragma_table_xinfo(?)", table);
  const columns = new Set(names.map(([name]) => name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !columns.has(name)) ?? null;
}

/** Kinds of columns in pragma_table_xinfo, beside the ordinary. */
const VIRTUAL_COLUMN = 2n;

/**
 * Where the columns are in a stored row: in their order, without those that are computed when they are read. The
 * primary key is the rowid itself when it is one column and has no index.
 */
function recordColumns(database: DatabaseSync, table: string): RecordColumn[] {
  const keyIndexes = rows<[bigint]>(
    database,
    "SELECT count(*) FROM pragma_index_list(?) WHERE origin = 'pk'",
    table,
  );
  const columns = rows<[string, bigint, bigint]>(
    database,
    "SELECT type, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid",
    table,
  );
  const keys = columns.filter(([, key]) => key > 0n).length;
  const keyIsRowid = keys === 1 && keyIndexes[0]?.[0] === 0n;
  let field = 0;
  return columns.flatMap(([type, key, hidden]) => {
    if (hidden === VIRTUAL_COLUMN) return [];
    const at = field++;
    if (hidden !== 0n) return [];
    return [{ field: keyIsRowid && key > 0n ? -1 : at, real: isReal(type) }];
  });
}

/** Whether a column has the affinity REAL, https://sqlite.org/datatype3.html#determination_of_column_affinity */
const isReal = (declared: string): boolean =>
  /real|floa|doub/i.test(declared) && !/int|char|clob|text|blob/i.test(declared);

/** Views and virtual tables, then the triggers on them. */
function readObjects(entries: Entry[], kinds: Map<string, string>): SourceFile["objects"] {
  const own = (name: string) => ["view", "virtual"].includes(kinds.get(name) ?? "");
  const made = entries.filter(({ type, table }) => type !== "index" && own(table));
  return [
    ...made.filter(({ type }) => type !== "trigger"),
    ...made.filter(({ type }) => type === "trigger"),
  ].flatMap(({ type, name, sql }) => (sql === null ? [] : [{ type, name, ddl: sql }]));
}

function readPragmas(database: DatabaseSync): SourceFile["pragmas"] {
  const value = (name: string) => Number(rows<[bigint]>(database, `PRAGMA ${name}`)[0]?.[0] ?? 0n);
  return {
    user_version: value("user_version"),
    application_id: value("application_id"),
    page_size: value("page_size"),
    auto_vacuum: value("auto_vacuum"),
  };
}

/** The whole of sqlite_schema, unless it is larger than any honest one. */
function readEntries(database: DatabaseSync): Entry[] {
  const [[bytes]] = rows<[bigint]>(database, "SELECT coalesce(sum(length(sql)), 0) FROM sqlite_schema") as [
    [bigint],
  ];
  if (bytes > MAX_DDL_BYTES)
    throw new TenantError(
      "schema-unsupported",
      `The schema takes ${bytes} bytes; at most ${MAX_DDL_BYTES} are read.`,
    );
  const found = rows<[string, string, string, string | null, bigint | null]>(
    database,
    "SELECT type, name, tbl_name, sql, rootpage FROM sqlite_schema ORDER BY name",
  );
  return found.map(([type, name, table, sql, root]) => ({ type, name, table, sql, root: Number(root) }));
}

/** Why an entry is no table to replicate; undefined for ordinary tables, and for indexes and triggers of tables. */
function reasonToSkip({ type, name }: Entry, kinds: Map<string, string>): string | undefined {
  if (type === "view") return "a view has no rows of its own";
  if (type !== "table") return undefined;
  if (name.startsWith("sqlite_")) return "SQLite's own bookkeeping";
  if (kinds.get(name) === "virtual") return "a virtual table; its module makes its rows";
  // Shadow tables hold a module's own form of what its virtual table shows.
  if (kinds.get(name) === "shadow") return "it belongs to a virtual table";
  return undefined;
}

/** Reads one table; generated columns are added to `skipped`. */
function readTable(
  database: DatabaseSync,
  { name, sql }: Entry,
  entries: Entry[],
  skipped: SourceSchema["skipped"],
): SourceTable {
  refuseName(`Table ${JSON.stringify(name)}`, name);
  const all = rows<[string, string, bigint, bigint, bigint]>(
    database,
    'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid',
    name,
  ).map(([column, declared, notNull, key, hidden]) => ({ name: column, declared, notNull, key, hidden }));
  const columns = all.filter(({ hidden }) => hidden === 0n);
  for (const generated of all.filter(({ hidden }) => hidden !== 0n))
    skipped.push({ name: `${name}.${generated.name}`, why: "a generated column follows from the others" });
  for (const column of columns) refuseName(`Column ${JSON.stringify(`${name}.${column.name}`)}`, column.name);
  if (columns.length === 0 || columns.length > MAX_COLUMNS)
    throw new TenantError(
      "schema-unsupported",
      `Table ${name} has ${columns.length} columns; 1 to ${MAX_COLUMNS} are replicated.`,
    );

  const primary = columns.filter(({ key }) => key > 0n).sort((a, b) => Number(a.key - b.key));
  const required = new Set(columns.filter(({ notNull }) => notNull === 1n).map((column) => column.name));
  const attached = entries.filter(
    ({ type, table }) => table === name && (type === "index" || type === "trigger"),
  );
  return {
    name,
    columns: columns.map((column) => ({ name: column.name, declared: column.declared.slice(0, 255) })),
    key: primary.length > 0 ? primary.map((column) => column.name) : uniqueKey(database, name, required),
    ddl: [sql, ...attached.map((entry) => entry.sql)].filter((statement) => statement !== null),
  };
}

/** The shortest unique index that names every row: all of it, over plain columns that are never NULL. */
function uniqueKey(database: DatabaseSync, table: string, required: Set<string>): string[] | null {
  const indexes = rows<[string]>(
    database,
    'SELECT name FROM pragma_index_list(?) WHERE "unique" AND NOT partial ORDER BY name',
    table,
  );
  const keys = indexes.map(([index]) =>
    rows<[string | null]>(database, "SELECT name FROM pragma_index_info(?) ORDER BY seqno", index).map(
      ([column]) => column,
    ),
  );
  const usable = keys.filter((key): key is string[] =>
    key.every((column) => column !== null && required.has(column)),
  );
  return usable.sort((a, b) => a.length - b.length)[0] ?? null;
}

function refuseName(what: string, name: string): void {
  const problem = nameProblem(name);
  if (problem)
    throw new TenantError("schema-unsupported", `${what} cannot be replicated under its name: ${problem}.`);
}

const rows = <Row>(database: DatabaseSync, sql: string, ...parameters: string[]): Row[] =>
  database.prepare(sql).all(...parameters) as Row[];
