import { TenantError } from "../../host/tenant-error.ts";
import type { TableWork } from "../../protocol/message.ts";
import { TableSum } from "../../protocol/table-sum.ts";
import type { BaseStore } from "./base-store.ts";
import type { DigestSet } from "./digest-set.ts";
import type { PageChanges } from "./page-changes.ts";
import { removedFrames } from "./removed-frames.ts";
import { RowRuns } from "./row-runs.ts";
import type { StoredTable } from "./store-format.ts";
import type { Reading, TablePart, TableToRead } from "./table-part.ts";
import type { Row } from "./table-rows.ts";
import { type LeafList, NO_LEAVES, type TableTrees } from "./table-tree.ts";

/** A table whose leaves tell which of its rows may have changed: only these are read. */
export class ChangedTree implements TablePart {
  readonly work: TableWork | undefined;
  readonly sum: TableSum;
  readonly section: { at: number; bytes: number };
  readonly #source: TableToRead;
  readonly #added = new RowRuns();
  readonly #addedSum = new TableSum();
  readonly #removed: DigestSet;

  private constructor(reading: Reading, source: TableToRead, base: BaseStore, found: Found) {
    const { store } = reading;
    const { name } = source.table;
    const at = store.at;
    this.#source = source;
    this.sum = TableSum.parse(found.was.sum, found.was.rows);
    base.copyCarried(name, found.carried, store);
    this.#removed = base.digestsOutside(name, found.carried);
    this.#compare(found.leaves, store);
    for (const digest of this.#removed.rest()) this.sum.remove(digest);
    this.section = { at, bytes: store.at - at };
    const { rows, bytes } = this.#added;
    const removed = this.#removed.rows;
    if (rows + removed > 0) this.work = { table: name, whole: false, rows, removed, bytes };
  }

  /**
   * Compares a table with what the base had of it. What is the same need not be shown to be so row by row: a leaf's
   * rows are on it and on its overflow pages alone, so they are as they were when none of these changed. All others,
   * new and old, are compared as multisets of digests: a row that only moved to another page is no change.
   * @param mostRows of the base to compare with
   * @returns undefined when there are more
   */
  static compare(
    reading: Reading,
    source: TableToRead & { root: number },
    { base, was, trees, changes, mostRows }: Comparison,
  ): ChangedTree | undefined {
    const { name } = source.table;
    const carried = base.noLeaves();
    const known = changes ? base.known(name, changes.changed, carried) : NO_LEAVES;
    const leaves = trees.leavesOf(name, source.root, known);
    if (base.rowsOutside(name, carried) > mostRows) return undefined;
    return new ChangedTree(reading, source, base, { was, carried, leaves });
  }

  *frames(): Generator<Uint8Array> {
    const { rows } = this.#source;
    const sent = new TableSum();
    yield* rows.frames(this.#addedRows(), (digest) => sent.add(digest));
    if (sent.rows !== this.#addedSum.rows || sent.toString() !== this.#addedSum.toString())
      throw new TenantError(
        "database-damaged",
        `Table ${rows.table} has other rows by its pages than by SQLite.`,
      );
    yield* removedFrames(this.#removed);
  }

  /** Reads the rows of the leaves that are not as they were; those that the base had too are taken out of it. */
  #compare(leaves: LeafList, store: Reading["store"]): void {
    const { rows } = this.#source;
    let leaf = -1;
    const enter = (next: number) => {
      if (next !== leaf + 1) this.#added.skip();
      leaf = next;
      store.record(leaves.page(next), leaves.rowsOf(next), leaves.overflowOf(next));
    };
    for (const row of rows.onLeaves(leaves, enter)) {
      const { digest, bytes } = rows.digest(row);
      store.digest(digest);
      if (this.#removed.take(digest)) this.#added.skip();
      else {
        this.#added.pick(rows.rowid, bytes);
        this.sum.add(digest);
        this.#addedSum.add(digest);
      }
    }
  }

  *#addedRows(): Generator<Row> {
    for (const [from, to] of this.#added) yield* this.#source.rows.between(from, to);
  }
}

/** What a table is compared with. */
export interface Comparison {
  base: BaseStore;
  was: StoredTable;
  trees: TableTrees;
  /** undefined when no page tells: then every row is compared. */
  changes: PageChanges | undefined;
  mostRows: number;
}

interface Found {
  was: StoredTable;
  carried: Uint8Array;
  leaves: LeafList;
}
