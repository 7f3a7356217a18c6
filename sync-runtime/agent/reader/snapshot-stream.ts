import type { DatabaseSync } from "node:sqlite";
import { encodeJsonFrame, FrameType, frameHead } from "../../protocol/frame.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import type { Header, Manifest, SourceTable } from "../../protocol/message.ts";
import { RowDigester } from "../../protocol/row-digest.ts";
import { TableSum } from "../../protocol/table-sum.ts";
import { TenantError } from "../tenant-error.ts";
import {
  BATCH_BYTES,
  canonicalPieces,
  exactValue,
  quoted,
  type ReadValue,
  RowBatch,
  rowBytes,
} from "./row-batch.ts";
import type { SourceSchema } from "./source-schema.ts";
import type { ReaderTask } from "./task.ts";

/**
 * Writes one snapshot as the frames of the protocol: header, every table with its rows. The manifest is told apart.
 * The chunks are given away and never written to again.
 */
export class SnapshotStream {
  readonly #database: DatabaseSync;
  readonly #schema: SourceSchema;
  readonly #task: ReaderTask;
  readonly #manifest: Manifest;
  #contentBytes = 0;

  constructor(database: DatabaseSync, schema: SourceSchema, task: ReaderTask) {
    this.#database = database;
    this.#schema = schema;
    this.#task = task;
    this.#manifest = { sync: task.sync, tables: [] };
  }

  /** What was written, once all frames have been read. */
  get written(): { manifest: Manifest; contentBytes: number } {
    return { manifest: this.#manifest, contentBytes: this.#contentBytes };
  }

  /** The whole snapshot. It has to be read to its end inside the transaction in which the schema was read. */
  async *frames(): AsyncGenerator<Uint8Array> {
    const { sync, generation, identity } = this.#task;
    const { tables, file, skipped } = this.#schema;
    const work = tables.map(({ name }) => ({
      table: name,
      whole: true,
      rows: this.#count(name),
      removed: 0,
      bytes: 0,
    }));
    const header: Header = {
      sync,
      generation,
      mode: "full",
      base: null,
      identity,
      tables,
      work,
      source: file,
      skipped,
    };
    yield encodeJsonFrame(FrameType.header, header);
    for (const [index, table] of tables.entries()) {
      const sum = new TableSum();
      yield* this.#table(table, work[index]?.rows ?? 0, sum);
      this.#manifest.tables.push({ name: table.name, rows: sum.rows, sum: sum.toString() });
    }
  }

  /** One table's frames. Indexes are not asked: a forged one could tell another story than the table. */
  *#table(table: SourceTable, announced: number, sum: TableSum): Generator<Uint8Array> {
    const from = `FROM ${quoted(table.name)} NOT INDEXED`;
    yield encodeJsonFrame(FrameType.table, { table: table.name });

    const names = table.columns.map(({ name }) => name);
    const digester = new RowDigester(table.name, names);
    const batch = new RowBatch(names.length);
    const select = this.#database.prepare(`SELECT ${names.map(exactValue).join(", ")} ${from}`);
    for (const row of select.iterate() as Iterable<unknown> as Iterable<ReadValue[]>) {
      const bytes = rowBytes(row);
      this.#bound(table, bytes);
      if (batch.length > 0 && batch.isFullFor(bytes)) yield* rowsFrame(batch);
      if (bytes > BATCH_BYTES) {
        const values = row.map(canonicalPieces);
        sum.add(digester.digestPieces(values));
        yield frameHead(FrameType.rows, bytes);
        yield* values.flat();
      } else {
        batch.add(row);
        sum.add(digester.digest(batch.bytes, batch.bounds));
      }
    }
    if (batch.length > 0) yield* rowsFrame(batch);
    if (sum.rows !== announced)
      throw new TenantError(
        "database-damaged",
        `Table ${table.name} counts ${announced} rows and has ${sum.rows}.`,
      );
  }

  /** Counts a table's rows, no further than an honest file can have them. */
  #count(table: string): number {
    const { maxRows } = this.#task;
    const from = `FROM ${quoted(table)} NOT INDEXED`;
    const limited = `SELECT count(*) FROM (SELECT 1 ${from} LIMIT ${maxRows + 1})`;
    const [count] = this.#database.prepare(limited).get() as unknown as [bigint];
    if (count > maxRows)
      throw new TenantError("contents-too-large", `More than ${maxRows} rows came ${from}.`);
    return Number(count);
  }

  /** Counts a row's bytes, and stops at what no honest file could hold. */
  #bound(table: SourceTable, bytes: number): void {
    this.#contentBytes += bytes;
    if (bytes > MAX_ROW_BYTES)
      throw new TenantError(
        "row-too-large",
        `A row of ${table.name} takes ${bytes} bytes; ${MAX_ROW_BYTES} are allowed.`,
      );
    if (this.#contentBytes > this.#task.maxContentBytes)
      throw new TenantError(
        "contents-too-large",
        `The tables give more than ${this.#task.maxContentBytes} bytes, more than the file can hold.`,
      );
  }
}

/** The rows collected so far, as a frame. */
function* rowsFrame(batch: RowBatch): Generator<Uint8Array> {
  yield frameHead(FrameType.rows, batch.length);
  yield batch.take();
}
