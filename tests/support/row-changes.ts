import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { readSchema } from "../../sync-runtime/host/source-schema.ts";
import type { SourceTable } from "../../sync-runtime/protocol/message.ts";
import { RowDigester } from "../../sync-runtime/protocol/row-digest.ts";
import { encodeValue, RawText, type SqliteValue } from "../../sync-runtime/protocol/value.ts";
import { type RowWrite, schemaDigest, toWire, type WriteRequest } from "../../sync-runtime/protocol/write.ts";

/** A row by column name. */
export type Row = Record<string, SqliteValue>;

/** What a node knows of a tenant's database from a sync, read here from the file itself. */
export class KnownSource implements Disposable {
  readonly database: DatabaseSync;
  readonly #tables: Map<string, SourceTable>;

  constructor(path: string) {
    this.database = new DatabaseSync(path, {
      readBigInts: true,
      enableForeignKeyConstraints: false,
      timeout: 5000,
    });
    this.#tables = new Map(tablesOf(path).map((table) => [table.name, table]));
  }

  [Symbol.dispose](): void {
    this.database.close();
  }

  table(name: string): SourceTable {
    const table = this.#tables.get(name);
    if (!table) throw new Error(`There is no table ${name}.`);
    return table;
  }

  /** The row with these values in its key; undefined when there is none. */
  row(table: string, ...key: SQLInputValue[]): Row | undefined {
    const { columns, key: names } = this.table(table);
    const select = columns.map(({ name }) => {
      const column = quoted(name);
      return `typeof(${column}), CASE typeof(${column}) WHEN 'text' THEN CAST(${column} AS BLOB) ELSE ${column} END`;
    });
    const where = (names ?? []).map((name) => `${quoted(name)} IS ?`).join(" AND ");
    const statement = this.database.prepare(
      `SELECT ${select.join(", ")} FROM ${quoted(table)} WHERE ${where}`,
    );
    statement.setReturnArrays(true);
    const found = statement.get(...key) as unknown as SqliteValue[] | undefined;
    if (!found) return undefined;
    const values = columns.map(({ name }, at): [string, SqliteValue] => {
      const value = found[2 * at + 1] as SqliteValue;
      return [name, found[2 * at] === "text" ? textOf(value as Uint8Array) : value];
    });
    return Object.fromEntries(values);
  }

  /** In hex; null for no row. */
  digest(table: string, row: Row | undefined): string | null {
    if (!row) return null;
    const columns = this.table(table).columns.map(({ name }) => name);
    const values = columns.map((name) => [encodeValue(row[name] ?? null)]);
    return new RowDigester(table, columns).digestPieces(values).toString("hex");
  }

  /** What a request has for one row. */
  change(table: string, before: Row | undefined, after: Row | undefined): RowWrite {
    const named = before ?? after ?? {};
    return {
      table,
      key: (this.table(table).key ?? []).map((name) => toWire(named[name] ?? null)),
      before: this.digest(table, before),
      after: after
        ? Object.fromEntries(Object.entries(after).map(([name, value]) => [name, toWire(value)]))
        : null,
      afterDigest: this.digest(table, after),
    };
  }

  /** A whole request. */
  request(identity: string, rows: RowWrite[], epoch = "1"): WriteRequest {
    const tables = [...new Set(rows.map(({ table }) => table))];
    return {
      epoch,
      identity,
      schema: Object.fromEntries(tables.map((name) => [name, schemaDigest(this.table(name))])),
      rows,
    };
  }
}

function tablesOf(path: string): SourceTable[] {
  const reading = new DatabaseSync(path, { readBigInts: true, returnArrays: true, timeout: 5000 });
  try {
    return readSchema(reading).tables;
  } finally {
    reading.close();
  }
}

const textOf = (bytes: Uint8Array): SqliteValue => {
  const text = Buffer.from(bytes).toString();
  return Buffer.from(text).equals(Buffer.from(bytes)) ? text : new RawText(bytes);
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
