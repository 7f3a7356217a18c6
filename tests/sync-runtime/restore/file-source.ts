import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { readSchema } from "../../../sync-runtime/host/source-schema.ts";
import type { ChangeStream } from "../../../sync-runtime/node/agent-client.ts";
import type { Identity, Message, SourceTable, TableWork } from "../../../sync-runtime/protocol/message.ts";
import { encodeValue, RawText, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";
import { streamOf, sumOf } from "../node/scripted-source.ts";

/**
 * What an agent would say of a file, in full: schema as its reader finds it, each value's class and bytes asked for
 * apart.
 */
export const fileSource = (path: string, identity: Identity) => async (): Promise<ChangeStream> =>
  streamOf(messagesOf(path, identity));

function* messagesOf(path: string, identity: Identity): Generator<Message> {
  const database = new DatabaseSync(path, { readOnly: true, readBigInts: true, returnArrays: true });
  const { tables, file, skipped } = readSchema(database);
  const contents = tables.map((table) => ({ table, rows: rowsOf(database, table) }));
  database.close();
  const work: TableWork[] = contents.map(({ table, rows }) => ({
    table: table.name,
    whole: true,
    rows: rows.length,
    removed: 0,
    bytes: 0,
  }));
  const sync = randomUUID();
  yield {
    type: "header",
    header: { sync, generation: 1, mode: "full", base: null, identity, tables, work, source: file, skipped },
  };
  for (const [index, { table, rows }] of contents.entries()) {
    yield { type: "table", table, work: work[index] as TableWork };
    if (rows.length > 0) yield { type: "rows", table, bytes: Buffer.concat(rows.flat().map(encodeValue)) };
  }
  const sums = contents.map(({ table, rows }) => {
    const sum = sumOf(table, rows);
    return { name: table.name, rows: sum.rows, sum: sum.toString() };
  });
  yield { type: "manifest", manifest: { sync, tables: sums } };
}

function rowsOf(database: DatabaseSync, { name, columns }: SourceTable): SqliteValue[][] {
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const parts = columns.flatMap((column) => [
    `typeof(${quoted(column.name)})`,
    `hex(${quoted(column.name)})`,
  ]);
  const values = columns.map(
    (column) => `iif(typeof(${quoted(column.name)}) = 'text', '', ${quoted(column.name)})`,
  );
  const rows = database.prepare(`SELECT ${[...parts, ...values].join(", ")} FROM ${quoted(name)}`).all();
  return (rows as unknown as SqliteValue[][]).map((row) =>
    columns.map((_, at) => {
      const [storageClass, hex] = row.slice(2 * at, 2 * at + 2);
      return storageClass === "text"
        ? new RawText(Buffer.from(hex as string, "hex"))
        : (row[2 * columns.length + at] as SqliteValue);
    }),
  );
}
