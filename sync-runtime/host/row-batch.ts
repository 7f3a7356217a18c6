import { ValueTag } from "../protocol/value.ts";
import type { RecordReader } from "./record.ts";

/** Rows are sent in frames of up to this size; a longer row has a frame of its own. */
export const BATCH_BYTES = 256 * 1024;

/** A column's value as {@link exactValue} reads it: text comes as bytes, a blob as hex digits. */
export type ReadValue = null | bigint | number | string | Uint8Array;

/** `name` as an SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * The expression that reads a column exactly. SQLite is asked for a text's bytes, since as a string invalid UTF-8
 * would be replaced; what is a string in the answer is therefore a blob's hex digits, which are rare.
 */
export function exactValue(column: string): string {
  const name = quoted(column);
  return `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'blob' THEN hex(${name}) ELSE ${name} END`;
}

/** Collects rows as canonical values until they are worth a frame. */
export class RowBatch {
  /** Given away when it is full. */
  #bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
  #length = 0;
  readonly #bounds: number[];

  constructor(columns: number) {
    this.#bounds = new Array(columns + 1).fill(0);
  }

  /** Bytes collected. */
  get length(): number {
    return this.#length;
  }

  /** The buffer that holds the last row, for {@link bounds}. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Where the last row's values begin in {@link bytes}, and where the last one ends. */
  get bounds(): readonly number[] {
    return this.#bounds;
  }

  /** Whether the batch has to be taken before a row of so many bytes is added. */
  isFullFor(rowBytes: number): boolean {
    return this.#length + rowBytes > BATCH_BYTES;
  }

  /** Adds a stored row that fits. */
  addRecord(record: RecordReader): void {
    this.#length = record.write(this.#bytes, this.#length, this.#bounds);
  }

  /** Adds a row that fits: {@link isFullFor} its bytes is false. */
  add(row: readonly ReadValue[]): void {
    let at = this.#length;
    for (let column = 0; column < row.length; column++) {
      this.#bounds[column] = at;
      at = writeValue(this.#bytes, at, row[column] as ReadValue);
    }
    this.#bounds[row.length] = at;
    this.#length = at;
  }

  /** Forgets the collected rows. */
  clear(): void {
    this.#length = 0;
  }

  /** Gives the collected rows away and begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#length = 0;
    return taken;
  }
}

/** Canonical bytes of a row. */
export function rowBytes(row: readonly ReadValue[]): number {
  let bytes = 0;
  for (const value of row) {
    if (value === null) bytes += 1;
    else if (typeof value === "string") bytes += 5 + value.length / 2;
    else if (typeof value === "object") bytes += 5 + value.length;
    else bytes += 9;
  }
  return bytes;
}

/** Writes one canonical value (protocol/value.ts) in place and gives the place behind it. */
function writeValue(bytes: Buffer, at: number, value: ReadValue): number {
  if (value === null) {
    bytes[at] = ValueTag.null;
    return at + 1;
  }
  if (typeof value === "bigint") {
    bytes[at] = ValueTag.integer;
    return bytes.writeBigInt64BE(value, at + 1);
  }
  if (typeof value === "number") {
    bytes[at] = ValueTag.real;
    return bytes.writeDoubleBE(value, at + 1);
  }
  if (typeof value === "string") {
    bytes[at] = ValueTag.blob;
    bytes.writeUInt32BE(value.length / 2, at + 1);
    return at + 5 + bytes.write(value, at + 5, "hex");
  }
  bytes[at] = ValueTag.text;
  bytes.writeUInt32BE(value.length, at + 1);
  bytes.set(value, at + 5);
  return at + 5 + value.length;
}

/** The canonical bytes of a value that is too long to be copied: head and contents apart. */
export function canonicalPieces(value: ReadValue): Uint8Array[] {
  if (typeof value !== "object" || value === null) {
    const bytes = Buffer.allocUnsafe(rowBytes([value]));
    writeValue(bytes, 0, value);
    return [bytes];
  }
  const head = Buffer.of(ValueTag.text, 0, 0, 0, 0);
  head.writeUInt32BE(value.length, 1);
  return [head, value];
}
