import type { DatabaseSync, StatementSync } from "node:sqlite";
import { FrameType, frameHead } from "../../protocol/frame.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import type { SourceTable } from "../../protocol/message.ts";
import { RowDigester } from "../../protocol/row-digest.ts";
import { TenantError } from "../tenant-error.ts";
import type { LeafCursor } from "./leaf-cursor.ts";
import {
  BATCH_BYTES,
  canonicalPieces,
  exactValue,
  quoted,
  type ReadValue,
  RowBatch,
  rowBytes,
} from "./row-batch.ts";

/** A row's values. */
export type Row = ReadValue[];

/** Stops at what no honest file could hold. */
export class ContentLimit {
  /** Canonical bytes of the rows read. */
  bytes = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(table: string, bytes: number): void {
    this.bytes += bytes;
    if (bytes > MAX_ROW_BYTES)
      throw new TenantError(
        "row-too-large",
        `A row of ${table} takes ${bytes} bytes; ${MAX_ROW_BYTES} are allowed.`,
      );
    if (this.bytes > this.#most)
      throw new TenantError(
        "contents-too-large",
        `The tables give more than ${this.#most} bytes, more than the file can hold.`,
      );
  }
}

/** Reads one table's rows through SQLite. Indexes are not asked: a forged one could tell another story than the table. */
export class TableRows {
  readonly table: string;
  readonly #database: DatabaseSync;
  readonly #limit: ContentLimit;
  readonly #rowid: string | null;
  readonly #values: string;
  readonly #from: string;
  readonly #digester: RowDigester;
  readonly #columns: number;
  /** Takes a row for hashing when it is not sent. */
  #scratch: RowBatch | undefined;
  #between: StatementSync | undefined;

  constructor(
    database: DatabaseSync,
    { name, columns }: SourceTable,
    rowid: string | null,
    limit: ContentLimit,
  ) {
    const names = columns.map((column) => column.name);
    this.table = name;
    this.#database = database;
    this.#limit = limit;
    this.#rowid = rowid;
    this.#columns = names.length;
    this.#values = names.map(exactValue).join(", ");
    this.#from = `FROM ${quoted(name)} NOT INDEXED`;
    this.#digester = new RowDigester(name, names);
  }

  /** Every row. */
  all(): Iterable<Row> {
    return rowsOf(this.#database.prepare(`SELECT ${this.#values} ${this.#from}`).iterate());
  }

  /** The rows of these rowids in ascending order, each with its rowid behind its values. */
  between(from: bigint, to: bigint): Iterable<Row> {
    const rowid = this.#rowid;
    this.#between ??= this.#database.prepare(
      `SELECT ${this.#values}, ${rowid} ${this.#from} WHERE ${rowid} BETWEEN ? AND ? ORDER BY ${rowid}`,
    );
    return rowsOf(this.#between.iterate(from, to));
  }

  /** The rows of the cursor's parsed leaves; the cursor is at the one that was given last. */
  *onLeaves(cursor: LeafCursor): Generator<Row> {
    for (const [from, to] of cursor.stretches()) {
      for (const row of this.between(from, to)) {
        cursor.accept(row.pop() as bigint);
        yield row;
      }
      cursor.endStretch();
    }
    cursor.end();
  }

  /** Counts all rows, no further than `most`. */
  count(most: number): number {
    const limited = `SELECT count(*) FROM (SELECT 1 ${this.#from} LIMIT ${most + 1})`;
    const [count] = this.#database.prepare(limited).get() as unknown as [bigint];
    if (count > most)
      throw new TenantError("contents-too-large", `Table ${this.table} has more than ${most} rows.`);
    return Number(count);
  }

  /** A row's digest and canonical bytes. */
  digest(row: Row): { digest: Buffer; bytes: number } {
    const bytes = rowBytes(row);
    this.#limit.add(this.table, bytes);
    if (bytes > BATCH_BYTES) return { digest: this.#digester.digestPieces(row.map(canonicalPieces)), bytes };
    this.#scratch ??= new RowBatch(this.#columns);
    this.#scratch.clear();
    this.#scratch.add(row);
    return { digest: this.#digester.digest(this.#scratch.bytes, this.#scratch.bounds), bytes };
  }

  /**
   * The rows as frames, which are given away and never written to again.
   * @param take is given each row's digest, in order
   */
  *frames(rows: Iterable<Row>, take?: (digest: Buffer) => void): Generator<Uint8Array> {
    const batch = new RowBatch(this.#columns);
    for (const row of rows) {
      const bytes = rowBytes(row);
      this.#limit.add(this.table, bytes);
      if (batch.length > 0 && batch.isFullFor(bytes)) yield* rowsFrame(batch);
      if (bytes > BATCH_BYTES) {
        const values = row.map(canonicalPieces);
        take?.(this.#digester.digestPieces(values));
        yield frameHead(FrameType.rows, bytes);
        yield* values.flat();
      } else {
        batch.add(row);
        take?.(this.#digester.digest(batch.bytes, batch.bounds));
      }
    }
    if (batch.length > 0) yield* rowsFrame(batch);
  }
}

const rowsOf = (iterator: unknown): Iterable<Row> => iterator as Iterable<Row>;

/** The rows collected so far, as a frame. */
function* rowsFrame(batch: RowBatch): Generator<Uint8Array> {
  yield frameHead(FrameType.rows, batch.length);
  yield batch.take();
}
