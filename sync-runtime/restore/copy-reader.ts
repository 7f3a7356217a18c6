import type { ColumnType } from "../protocol/column-type.ts";
import { type ValueCursor, ValueCursor as Values, ValueTag } from "../protocol/value.ts";

/** A value as SQLite takes it: text and blobs both as bytes, told apart by {@link RestoredRow.texts}. */
export type RestoredValue = null | bigint | number | Uint8Array;

/** One row of a replica as the source had it. */
export interface RestoredRow {
  values: RestoredValue[];
  /** Which values are text, where they have another class than their columns' types say. */
  texts: boolean[] | undefined;
}

/** A column of a replica's table, in the order in which COPY sends them behind `_replica_odd`. */
export interface CopiedColumn {
  name: string;
  type: ColumnType;
}

/** Signature, flags and the length of an extension that Postgres does not send. */
const HEAD_BYTES = 19;

/**
 * Reads the rows of a binary COPY of `_replica_odd` and the table's columns. Bounded in memory by one row and what came
 * with it.
 */
export async function* readCopiedRows(
  source: AsyncIterable<Buffer>,
  columns: readonly CopiedColumn[],
): AsyncGenerator<RestoredRow[]> {
  const bytes = new ByteQueue();
  let headed = false;
  for await (const chunk of source) {
    bytes.push(chunk);
    if (!headed) {
      if (bytes.length < HEAD_BYTES) continue;
      bytes.take(HEAD_BYTES);
      headed = true;
    }
    const rows: RestoredRow[] = [];
    for (let row = takeRow(bytes, columns); row; row = takeRow(bytes, columns)) rows.push(row);
    if (rows.length > 0) yield rows;
  }
}

/** The next row, once all of it is there. What was taken of a row that is not whole yet is kept in the queue. */
function takeRow(bytes: ByteQueue, columns: readonly CopiedColumn[]): RestoredRow | undefined {
  const fields = bytes.row(columns.length + 1);
  if (!fields) return undefined;
  const [odd, ...stored] = fields;
  const values = stored.map((field, index) =>
    field === null ? null : plainValue(field, (columns[index] as CopiedColumn).type),
  );
  if (!odd) return { values, texts: undefined };
  // A jsonb begins with its version, 1.
  const hex = JSON.parse(odd.toString("utf8", 1)) as Record<string, string>;
  const texts = columns.map(({ type }) => isTextType(type));
  for (const [index, { name }] of columns.entries()) {
    if (!Object.hasOwn(hex, name)) continue;
    const cursor = new Values(Buffer.from(hex[name] as string, "hex"));
    cursor.next();
    values[index] = canonicalValue(cursor);
    texts[index] = cursor.tag === ValueTag.text;
  }
  return { values, texts };
}

/** Whether what a column of a type holds is text in SQLite. */
export const isTextType = (type: ColumnType): boolean => type === "text" || type === "json";

/** A value that its column's type holds as it is. */
function plainValue(field: Buffer, type: ColumnType): RestoredValue {
  switch (type) {
    case "bigint":
      return field.readBigInt64BE(0);
    case "boolean":
      return BigInt(field[0] as number);
    case "double precision":
      return field.readDoubleBE(0);
    default:
      return field;
  }
}

/** A value that stands beside its row, as canonical bytes. */
function canonicalValue(cursor: ValueCursor): RestoredValue {
  switch (cursor.tag) {
    case ValueTag.null:
      return null;
    case ValueTag.integer:
      return cursor.content.readBigInt64BE(0);
    case ValueTag.real:
      return cursor.content.readDoubleBE(0);
    default:
      return cursor.content;
  }
}

/** Bytes that came and were not used yet; joined only when a row is whole. */
class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that have to be there before looking again is of use. */
  #wanted = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  take(count: number): Buffer {
    const joined = this.#joined();
    this.#keep(joined, count);
    return joined.subarray(0, count);
  }

  /** The fields of the next row, null where NULL; undefined while it is not whole, and behind the last. */
  row(fields: number): (Buffer | null)[] | undefined {
    if (this.#length < Math.max(this.#wanted, 2)) return undefined;
    const bytes = this.#joined();
    const count = bytes.readInt16BE(0);
    if (count === -1) return undefined;
    if (count !== fields) throw new RangeError(`COPY sent ${count} fields where ${fields} were asked for.`);
    const found: (Buffer | null)[] = [];
    let at = 2;
    for (let field = 0; field < fields; field++) {
      if (bytes.length < at + 4) return this.#want(at + 4);
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length === -1) {
        found.push(null);
        continue;
      }
      if (bytes.length < at + length) return this.#want(at + length);
      found.push(bytes.subarray(at, at + length));
      at += length;
    }
    this.#keep(bytes, at);
    return found;
  }

  #want(bytes: number): undefined {
    this.#wanted = bytes;
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#length)];
    return this.#chunks[0] as Buffer;
  }

  #keep(bytes: Buffer, from: number): void {
    this.#chunks = [bytes.subarray(from)];
    this.#length = bytes.length - from;
    this.#wanted = 0;
  }
}
