import { GrowingList } from "./growing-list.ts";

/** Rows picked from a table in the order of their rowids; those with no other row between them are one run. */
export class RowRuns {
  readonly #from = GrowingList.ofInt64();
  readonly #to = GrowingList.ofInt64();
  #open = false;
  rows = 0;
  /** Canonical bytes of the rows. */
  bytes = 0;

  /** Picks the next row of the table. */
  pick(rowid: bigint, bytes: number): void {
    if (this.#open) this.#to.set(this.#to.length - 1, rowid);
    else {
      this.#from.push(rowid);
      this.#to.push(rowid);
      this.#open = true;
    }
    this.rows++;
    this.bytes += bytes;
  }

  /** Passes over the next row, or over any number of rows. */
  skip(): void {
    this.#open = false;
  }

  *[Symbol.iterator](): Generator<[from: bigint, to: bigint]> {
    for (let run = 0; run < this.#from.length; run++) yield [this.#from.at(run), this.#to.at(run)];
  }
}
