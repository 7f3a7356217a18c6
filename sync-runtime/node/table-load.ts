import { type SourceTable, StreamError, type TableWork } from "../protocol/message.ts";
import { DIGEST_BYTES } from "../protocol/row-digest.ts";
import { NotEqualError } from "./equality.ts";
import type { HeldTable, Replica, Retired } from "./replica.ts";
import type { RowCopy } from "./row-copy.ts";

/** Digests given to Postgres at once. */
const REMOVED_BYTES = 1024 * 1024;

/** What a sync did to one table. */
export interface LoadedTable extends Retired {
  table: string;
  /** Rows that came. */
  rows: number;
  /** Whether the source names its rows by a key. */
  keyed: boolean;
}

/**
 * Brings what comes of one table into the replica. Rows are copied straight into their table where they are only
 * added; rows that are all of a table that holds others are staged, and merged in the end.
 */
export class TableLoad {
  readonly #replica: Replica;
  readonly #table: HeldTable;
  readonly #source: SourceTable;
  readonly #work: TableWork;
  #copy: RowCopy | undefined;
  #removed = 0;

  /** @param table as the replica has it, in the shape of `source` */
  constructor(replica: Replica, table: HeldTable, source: SourceTable, work: TableWork) {
    this.#replica = replica;
    this.#table = table;
    this.#source = source;
    this.#work = work;
  }

  /** Whether the rows that come have to be compared with those that are there. */
  get #merges(): boolean {
    return this.#work.whole && this.#table.filled;
  }

  /** Writes one frame of rows; returns how many those were. */
  async write(frame: Buffer): Promise<number> {
    if (this.#removed > 0)
      throw new StreamError("stream-malformed", `rows of ${this.#work.table} follow its removed ones`);
    this.#copy ??= await this.#open();
    const before = this.#copy.rows;
    await this.#copy.write(frame);
    return this.#copy.rows - before;
  }

  /** Notes rows that are to go; the rows that were added stand in the table by then. */
  async remove(digests: Buffer): Promise<void> {
    if (this.#removed === 0) await this.#copy?.end();
    for (let at = 0; at < digests.length; at += REMOVED_BYTES)
      await this.#replica.collectRemoved(digests.subarray(at, at + REMOVED_BYTES));
    this.#removed += digests.length / DIGEST_BYTES;
  }

  /** Brings the table to its end state. */
  async end(): Promise<LoadedTable> {
    if (this.#merges) this.#copy ??= await this.#open();
    if (this.#removed === 0) await this.#copy?.end();
    const { table } = this.#work;
    const rows = this.#copy?.rows ?? 0;
    this.#expect("rows", rows);
    this.#expect("removed", this.#removed);
    return { table, rows, keyed: this.#source.key !== null, ...(await this.#retire()) };
  }

  #open(): RowCopy | Promise<RowCopy> {
    if (this.#merges) return this.#replica.stage(this.#table, this.#source);
    return this.#replica.copyInto(this.#table, this.#source);
  }

  async #retire(): Promise<Retired> {
    const { table } = this.#work;
    if (this.#merges) return this.#replica.merge(table);
    if (this.#removed === 0) return { retired: 0, tombstoned: 0 };
    const retired = await this.#replica.retire(table);
    if (retired.retired !== this.#removed)
      throw new NotEqualError(
        [`${table} has only ${retired.retired} of the ${this.#removed} rows that the source no longer has`],
        "Nothing of this sync was kept; the next one compares every row.",
      );
    return retired;
  }

  /** What was announced has to be what came. */
  #expect(what: "rows" | "removed", came: number): void {
    const { table, [what]: announced } = this.#work;
    if (came !== announced)
      throw new StreamError(
        "stream-malformed",
        `it announced ${announced} ${what} of ${table}, and ${came} came`,
      );
  }
}
