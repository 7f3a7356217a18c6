import { TenantError } from "../../host/tenant-error.ts";
import type { TableWork } from "../../protocol/message.ts";
import { TableSum } from "../../protocol/table-sum.ts";
import { RecordChunks } from "./record-chunks.ts";
import type { Reading, TablePart, TableToRead } from "./table-part.ts";
import { type LeafList, NO_LEAVES } from "./table-tree.ts";

/** A table of which every row is sent. */
export class WholeTable implements TablePart {
  readonly work: TableWork;
  readonly sum = new TableSum();
  readonly section = { at: 0, bytes: 0 };
  readonly #reading: Reading;
  readonly #source: TableToRead;
  readonly #leaves: LeafList | undefined;

  /** @param isWalkedAgain when the table's leaves were found once before in this snapshot */
  constructor(reading: Reading, source: TableToRead, isWalkedAgain = false) {
    this.#reading = reading;
    this.#source = source;
    const { name } = source.table;
    if (reading.pages && source.root !== null)
      this.#leaves = reading.pages.trees.leavesOf(name, source.root, NO_LEAVES, isWalkedAgain);
    this.work = {
      table: name,
      whole: true,
      rows: this.#leaves?.rows ?? source.rows.count(reading.maxRows),
      removed: 0,
      bytes: this.#leaves?.payload ?? 0,
    };
  }

  *frames(): Generator<Uint8Array> {
    const { store } = this.#reading;
    this.section.at = store.at;
    yield* this.#leaves ? this.#leafFrames(this.#leaves) : this.#rowFrames();
    this.section.bytes = store.at - this.section.at;
    const { table, rows } = this.work;
    if (this.sum.rows !== rows)
      throw new TenantError(
        "database-damaged",
        `Table ${table} counts ${rows} rows and has ${this.sum.rows}.`,
      );
  }

  *#leafFrames(leaves: LeafList): Generator<Uint8Array> {
    const { store } = this.#reading;
    const { rows } = this.#source;
    const enter = (leaf: number) =>
      store.record(leaves.page(leaf), leaves.rowsOf(leaf), leaves.overflowOf(leaf));
    yield* rows.frames(rows.onLeaves(leaves, enter), (digest) => {
      this.sum.add(digest);
      store.digest(digest);
    });
  }

  *#rowFrames(): Generator<Uint8Array> {
    const { rows } = this.#source;
    const records = new RecordChunks(this.#reading.store);
    yield* rows.frames(rows.all(), (digest) => {
      this.sum.add(digest);
      records.add(digest);
    });
    records.end();
  }
}
