import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type RecordColumn, RecordReader } from "../../host/record.ts";
import {
  BATCH_BYTES,
  canonicalPieces,
  exactValue,
  quoted,
  type ReadValue,
  RowBatch,
  rowBytes,
} from "../../host/row-batch.ts";
import { TenantError } from "../../host/tenant-error.ts";
import { FrameType, frameHead } from "../../protocol/frame.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import type { SourceTable } from "../../protocol/message.ts";
import { RowDigester } from "../../protocol/row-digest.ts";
import { LeafCursor } from "./leaf-cursor.ts";
import { LeafRecords } from "./leaf-records.ts";
import type { PageView } from "./page-view.ts";
import type { LeafList } from "./table-tree.ts";

/** A row: its values as SQLite gave them, or where they are stored. */
export type Row = ReadValue[] | RecordReader;

/** Of how many stored rows one is read by SQLite as well, to see that both read the same. */
const ROWS_PER_CHECK = 4096;

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
  readonly #rowidName: string | null;
  readonly #stored: { records: LeafRecords; reader: RecordReader } | undefined;
  readonly #values: string;
  readonly #from: string;
  readonly #digester: RowDigester;
  readonly #columns: number;
  /** Takes a row for hashing when it is not sent. */
  #scratch: RowBatch | undefined;
  #select: StatementSync | undefined;
  #rowid: number | bigint = 0;

  /**
   * @param rowid by which name, if any, its rowids can be asked for
   * @param stored how its rows can be read off its pages; without it SQLite is asked for all
   */
  constructor(
    database: DatabaseSync,
    { name, columns }: SourceTable,
    rowid: string | null,
    limit: ContentLimit,
    stored?: { view: PageView; columns: readonly RecordColumn[] },
  ) {
    const names = columns.map((column) => column.name);
    this.table = name;
    this.#database = database;
    this.#limit = limit;
    this.#rowidName = rowid;
    this.#columns = names.length;
    this.#values = names.map(exactValue).join(", ");
    this.#from = `FROM ${quoted(name)} NOT INDEXED`;
    this.#digester = new RowDigester(name, names);
    if (stored)
      this.#stored = {
        records: new LeafRecords(name, stored.view),
        reader: new RecordReader(stored.columns),
      };
  }

  /** Every row. */
  all(): Iterable<Row> {
    return rowsOf(this.#database.prepare(`SELECT ${this.#values} ${this.#from}`).iterate());
  }

  /** The rows of these rowids in ascending order, each with its rowid behind its values. */
  #between(from: bigint, to: bigint): Iterable<ReadValue[]> {
    const rowid = this.#rowidName;
    this.#select ??= this.#database.prepare(
      `SELECT ${this.#values}, ${rowid} ${this.#from} WHERE ${rowid} BETWEEN ? AND ? ORDER BY ${rowid}`,
    );
    return rowsOf(this.#select.iterate(from, to));
  }

  /** The rows of these rowids in ascending order. */
  *between(from: bigint, to: bigint): Generator<Row> {
    for (const row of this.#between(from, to)) {
      row.pop();
      yield row;
    }
  }

  /** Of the row that {@link onLeaves} gave last. */
  get rowid(): bigint {
    return BigInt(this.#rowid);
  }

  /**
   * The rows of the parsed leaves in order, each valid until the next one.
   * @param enter is told every parsed leaf before its first row
   */
  onLeaves(leaves: LeafList, enter: (leaf: number) => void): Generator<Row> {
    return this.#stored
      ? this.#storedOn(leaves, enter, this.#stored)
      : this.#askedOn(new LeafCursor(this.table, leaves, enter));
  }

  *#askedOn(cursor: LeafCursor): Generator<Row> {
    for (const [from, to] of cursor.stretches()) {
      for (const row of this.#between(from, to)) {
        cursor.accept(row.pop() as bigint);
        this.#rowid = cursor.rowid;
        yield row;
      }
      cursor.endStretch();
    }
    cursor.end();
  }

  *#storedOn(
    leaves: LeafList,
    enter: (leaf: number) => void,
    { records, reader }: { records: LeafRecords; reader: RecordReader },
  ): Generator<Row> {
    let last: number | bigint | undefined;
    let count = 0;
    for (let leaf = 0; leaf < leaves.length; leaf++) {
      if (!leaves.isParsed(leaf)) continue;
      enter(leaf);
      for (const { bytes, at, length, rowid } of records.rowsOf(leaves, leaf)) {
        if (last !== undefined && rowid <= last)
          throw new TenantError(
            "database-damaged",
            `Table ${this.table} has the row ${rowid} behind the row ${last}.`,
          );
        last = rowid;
        this.#rowid = rowid;
        const isRead = reader.open(bytes, at, length, rowid);
        if (!isRead) yield this.#ask(BigInt(rowid));
        else {
          if (count % ROWS_PER_CHECK === 0) this.#check(reader);
          yield reader;
        }
        count++;
      }
    }
  }

  /** Has SQLite read a row. */
  #ask(rowid: bigint): ReadValue[] {
    const [row, ...more] = [...this.#between(rowid, rowid)];
    if (!row || more.length > 0 || row.pop() !== rowid)
      throw new TenantError(
        "database-damaged",
        `Table ${this.table} has a row ${rowid} that SQLite does not find.`,
      );
    return row;
  }

  /** Makes sure that SQLite reads a stored row as we do. */
  #check(reader: RecordReader): void {
    if (reader.bytes > BATCH_BYTES) return;
    const batches = [new RowBatch(this.#columns), new RowBatch(this.#columns)] as const;
    batches[0].addRecord(reader);
    batches[1].add(this.#ask(BigInt(reader.rowid)));
    if (!batches[0].take().equals(batches[1].take()))
      throw new TenantError(
        "database-damaged",
        `Row ${reader.rowid} of ${this.table} is another by its pages than by SQLite.`,
      );
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
    const bytes = bytesOf(row);
    this.#limit.add(this.table, bytes);
    if (bytes > BATCH_BYTES) return { digest: this.#digester.digestPieces(piecesOf(row)), bytes };
    this.#scratch ??= new RowBatch(this.#columns);
    this.#scratch.clear();
    addTo(this.#scratch, row);
    return { digest: this.#digester.digest(this.#scratch.bytes, this.#scratch.bounds), bytes };
  }

  /**
   * The rows as frames, which are given away and never written to again.
   * @param take is given each row's digest, in order
   */
  *frames(rows: Iterable<Row>, take?: (digest: Buffer) => void): Generator<Uint8Array> {
    const batch = new RowBatch(this.#columns);
    for (const row of rows) {
      const bytes = bytesOf(row);
      this.#limit.add(this.table, bytes);
      if (batch.length > 0 && batch.isFullFor(bytes)) yield* rowsFrame(batch);
      if (bytes > BATCH_BYTES) {
        const values = piecesOf(row);
        take?.(this.#digester.digestPieces(values));
        yield frameHead(FrameType.rows, bytes);
        yield* values.flat();
      } else {
        addTo(batch, row);
        take?.(this.#digester.digest(batch.bytes, batch.bounds));
      }
    }
    if (batch.length > 0) yield* rowsFrame(batch);
  }
}

const rowsOf = (iterator: unknown): Iterable<ReadValue[]> => iterator as Iterable<ReadValue[]>;

const bytesOf = (row: Row): number => (Array.isArray(row) ? rowBytes(row) : row.bytes);

const piecesOf = (row: Row): Uint8Array[][] => (Array.isArray(row) ? row.map(canonicalPieces) : row.pieces());

function addTo(batch: RowBatch, row: Row): void {
  if (Array.isArray(row)) batch.add(row);
  else batch.addRecord(row);
}

/** The rows collected so far, as a frame. */
function* rowsFrame(batch: RowBatch): Generator<Uint8Array> {
  yield frameHead(FrameType.rows, batch.length);
  yield batch.take();
}
