import { DatabaseSync } from "node:sqlite";
import type { Manifest, Message } from "../../sync-runtime/protocol/message.ts";
import { RowDigester } from "../../sync-runtime/protocol/row-digest.ts";
import { TableSum } from "../../sync-runtime/protocol/table-sum.ts";
import { encodeValue, RawText, type SqliteValue, ValueCursor } from "../../sync-runtime/protocol/value.ts";

/** Rows by table; a row is its columns' canonical values in hex, joined, and the rows are sorted. */
export type Contents = Record<string, string[]>;

/** What a SQLite file holds, read on another way than the agent's: class and bytes of each value asked for apart. */
export function contentsOfFile(path: string): Contents {
  const database = new DatabaseSync(path, { readBigInts: true });
  try {
    const tables = database
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
      )
      .all();
    return Object.fromEntries(tables.map(({ name }) => [name, rowsOf(database, name as string)]));
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync, table: string): string[] {
  const names = database
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all(table)
    .map(({ name }) => `"${String(name).replaceAll('"', '""')}"`);
  const parts = names.flatMap((name) => [`typeof(${name})`, `hex(${name})`, name]);
  const statement = database.prepare(`SELECT ${parts.join(", ")} FROM "${table.replaceAll('"', '""')}"`);
  statement.setReturnArrays(true);
  const rows = statement.all() as unknown as SqliteValue[][];
  return rows
    .map((row) => names.map((_, column) => canonicalHex(row.slice(3 * column, 3 * column + 3))).join(" "))
    .sort();
}

function canonicalHex([storageClass, hex, value]: SqliteValue[]): string {
  const bytes = Buffer.from(hex as string, "hex");
  if (storageClass === "text") return encodeValue(new RawText(bytes)).toString("hex");
  if (storageClass === "blob") return encodeValue(bytes).toString("hex");
  return encodeValue(value as SqliteValue).toString("hex");
}

/** What an answer of the agent holds, and the manifest that these rows would have. */
export function contentsOfMessages(messages: Message[]): {
  contents: Contents;
  manifest: Manifest["tables"];
} {
  const contents: Contents = {};
  const sums = new Map<string, TableSum>();
  for (const message of messages) {
    if (message.type === "table") {
      contents[message.table.name] = [];
      sums.set(message.table.name, new TableSum());
    }
    if (message.type !== "rows") continue;
    const { name, columns } = message.table;
    const digester = new RowDigester(
      name,
      columns.map((column) => column.name),
    );
    const cursor = new ValueCursor(message.bytes);
    for (;;) {
      const values: Buffer[] = [];
      const bounds: number[] = [];
      while (values.length < columns.length && cursor.next()) {
        values.push(cursor.canonical);
        bounds.push(cursor.start);
      }
      if (values.length === 0) break;
      contents[name]?.push(values.map((value) => value.toString("hex")).join(" "));
      sums.get(name)?.add(digester.digest(message.bytes, [...bounds, cursor.end]));
    }
  }
  for (const rows of Object.values(contents)) rows.sort();
  const manifest = [...sums].map(([name, sum]) => ({ name, rows: sum.rows, sum: sum.toString() }));
  return { contents, manifest };
}
