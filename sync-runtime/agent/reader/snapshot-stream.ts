import type { DatabaseSync } from "node:sqlite";
import { faultPoint } from "../../fault-point.ts";
import { readSchema, type SourceSchema } from "../../host/source-schema.ts";
import { encodeJsonFrame, FrameType } from "../../protocol/frame.ts";
import type { Header, Manifest } from "../../protocol/message.ts";
import { BaseStore } from "./base-store.ts";
import { findPageChanges, type PageChanges } from "./page-changes.ts";
import { PageView } from "./page-view.ts";
import type { Source } from "./source-database.ts";
import { StoreWriter } from "./store-writer.ts";
import type { TablePart } from "./table-part.ts";
import { definitionOf, MOST_COMPARED_ROWS, planTables, shapeOf } from "./table-parts.ts";
import { ContentLimit } from "./table-rows.ts";
import { TableTrees } from "./table-tree.ts";
import { ReaderDescriptor, type ReaderTask } from "./task.ts";

/** Where the stores are. */
export interface StoreDescriptors {
  store: number;
  /** Looked at only when the task has a base. */
  base: number;
}

/**
 * Writes one snapshot as the frames of the protocol: header, what is to be done to each table. The manifest is told
 * apart. Beside them it writes the store with which a later snapshot is compared. The chunks are given away and never
 * written to again.
 */
export class SnapshotStream {
  readonly #database: DatabaseSync;
  readonly #task: ReaderTask;
  readonly #store: number;
  readonly #mostRows: number;
  readonly #base: BaseStore | undefined;
  readonly #view: PageView | undefined;
  readonly #changes: PageChanges | undefined;
  readonly #limit: ContentLimit;
  #parts: { name: string; part: TablePart }[] = [];

  /**
   * @param source in an open transaction, which is begun anew
   * @param mostRows of a table that are compared; see {@link MOST_COMPARED_ROWS}
   */
  constructor(
    source: Source,
    task: ReaderTask,
    stores: StoreDescriptors = ReaderDescriptor,
    mostRows = MOST_COMPARED_ROWS,
  ) {
    this.#database = source.database;
    this.#task = task;
    this.#store = stores.store;
    this.#mostRows = mostRows;
    this.#limit = new ContentLimit(task.maxContentBytes);
    if (task.base) this.#base = BaseStore.open(stores.base, task.base);
    const earlier = this.#base?.pages;
    this.#view = PageView.fix(source.database, source.files, earlier?.position);
    this.#changes = this.#view && findPageChanges(this.#view, earlier);
  }

  /** What was written, once all frames have been read. */
  get written(): { manifest: Manifest; contentBytes: number; mode: Header["mode"]; generation: number } {
    const tables = this.#parts.map(({ name, part: { sum } }) => ({
      name,
      rows: sum.rows,
      sum: sum.toString(),
    }));
    return {
      manifest: { sync: this.#task.sync, tables },
      contentBytes: this.#limit.bytes,
      mode: this.#base ? "delta" : "full",
      generation: this.#generation,
    };
  }

  /** The whole snapshot. It has to be read to its end. */
  async *frames(): AsyncGenerator<Uint8Array> {
    const schema = readSchema(this.#database);
    const store = new StoreWriter(this.#store);
    this.#parts = this.#plan(schema, store);
    yield encodeJsonFrame(FrameType.header, this.#header(schema));
    const announced = this.#parts.reduce((rows, { part }) => rows + (part.work?.rows ?? 0), 0);
    let sent = 0;
    for (const { name, part } of this.#parts) {
      if (!part.work) continue;
      yield encodeJsonFrame(FrameType.table, { table: name });
      yield* part.frames();
      sent += part.work.rows;
      if (sent >= announced / 2) faultPoint("reader:half-read");
    }
    this.#view?.expectStill();
    this.#finish(schema, store);
    faultPoint("reader:store-written");
  }

  #plan(schema: SourceSchema, store: StoreWriter): { name: string; part: TablePart }[] {
    const { maxRows } = this.#task;
    const pages = this.#view &&
      this.#changes && {
        trees: new TableTrees(this.#view, this.#changes.heads, maxRows),
        changes: this.#changes,
      };
    const reading = { pages, base: this.#base, store, limit: this.#limit, maxRows };
    const read = this.#task.throughSqlite ? undefined : this.#view;
    const parts = planTables(this.#database, schema, reading, read, this.#mostRows);
    return schema.tables.map(({ name }, index) => ({ name, part: parts[index] as TablePart }));
  }

  /** A base that was lost begins the history anew. */
  get #generation(): number {
    const isLost = this.#task.base !== null && !this.#base;
    return this.#task.generation + (isLost ? 1 : 0);
  }

  #header({ tables, file, skipped }: SourceSchema): Header {
    const { sync, identity } = this.#task;
    return {
      sync,
      generation: this.#generation,
      mode: this.#base ? "delta" : "full",
      base: this.#base ? this.#task.base : null,
      identity,
      tables,
      work: this.#parts.flatMap(({ part }) => part.work ?? []),
      source: file,
      skipped,
    };
  }

  /** Completes the store. */
  #finish({ tables }: SourceSchema, store: StoreWriter): void {
    const at = store.at;
    const view = this.#view;
    const changes = this.#changes;
    if (changes) store.write(changes.tags);
    store.finish({
      sync: this.#task.sync,
      pages:
        view && changes
          ? {
              position: view.position,
              pageSize: view.pageSize,
              usable: view.usable,
              pages: view.pages,
              key: changes.key,
              at,
              bytes: changes.tags.length,
            }
          : null,
      tables: tables.map((table, index) => {
        const { sum, section } = (this.#parts[index] as { part: TablePart }).part;
        return {
          name: table.name,
          shape: shapeOf(table),
          definition: definitionOf(table),
          rows: sum.rows,
          sum: sum.toString(),
          ...section,
        };
      }),
    });
  }
}
