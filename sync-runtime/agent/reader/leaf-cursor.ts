import { TenantError } from "../../host/tenant-error.ts";
import type { LeafList } from "./table-tree.ts";

/**
 * Follows rows, as SQLite gives them, over the leaves on which our own parser found them, and makes sure that both tell
 * the same: so many rows on each leaf, the first and last by these names, all in ascending order.
 */
export class LeafCursor {
  readonly #table: string;
  readonly #leaves: LeafList;
  readonly #enter: (leaf: number) => void;
  #leaf = -1;
  /** Rows of the leaf still to come. */
  #left = 0;
  #last: bigint | undefined;

  /** @param enter is told every parsed leaf before its first row */
  constructor(table: string, leaves: LeafList, enter: (leaf: number) => void) {
    this.#table = table;
    this.#leaves = leaves;
    this.#enter = enter;
  }

  /** The stretches of parsed leaves with rows, as rowids from and to. */
  *stretches(): Generator<[from: bigint, to: bigint]> {
    const { length, isParsed, rowsOf, firstRowid, lastRowid } = this.#leaves;
    for (let leaf = 0; leaf < length; leaf++) {
      if (!isParsed(leaf) || rowsOf(leaf) === 0) continue;
      const from = firstRowid(leaf);
      while (leaf + 1 < length && isParsed(leaf + 1) && rowsOf(leaf + 1) > 0) leaf++;
      yield [from, lastRowid(leaf)];
    }
  }

  /** The row taken last. */
  get rowid(): bigint {
    return this.#last ?? 0n;
  }

  /** Takes the next row. */
  accept(rowid: bigint): void {
    if (this.#last !== undefined && rowid <= this.#last) throw this.#damaged(rowid);
    this.#last = rowid;
    if (this.#left === 0) this.#enterNext(rowid);
    this.#left--;
    if (this.#left === 0 && rowid !== this.#leaves.lastRowid(this.#leaf)) throw this.#damaged(rowid);
  }

  /** All rows of a stretch have come. */
  endStretch(): void {
    if (this.#left !== 0) throw this.#damaged(this.#last);
  }

  /** All rows have come; leaves without any are entered as well. */
  end(): void {
    while (++this.#leaf < this.#leaves.length)
      if (this.#leaves.isParsed(this.#leaf)) {
        if (this.#leaves.rowsOf(this.#leaf) > 0) throw this.#damaged(this.#last);
        this.#enter(this.#leaf);
      }
  }

  #enterNext(rowid: bigint): void {
    const { length, isParsed, rowsOf, firstRowid } = this.#leaves;
    while (++this.#leaf < length) {
      if (!isParsed(this.#leaf)) continue;
      this.#enter(this.#leaf);
      this.#left = rowsOf(this.#leaf);
      if (this.#left === 0) continue;
      if (rowid !== firstRowid(this.#leaf)) throw this.#damaged(rowid);
      return;
    }
    throw this.#damaged(rowid);
  }

  #damaged(rowid: bigint | undefined): TenantError {
    return new TenantError(
      "database-damaged",
      `Table ${this.#table} has other rows by its pages than by SQLite, at rowid ${rowid}.`,
    );
  }
}
