import { TenantError } from "../../host/tenant-error.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import { cellOf, FIRST_PAGE_OFFSET, LEAF_HEAD_BYTES } from "./leaf-cell.ts";
import type { PageView } from "./page-view.ts";
import type { LeafList } from "./table-tree.ts";

/** Records up to this size are put together in a buffer that is kept. */
const SCRATCH_BYTES = 256 * 1024;

/** A row as it is stored: `length` bytes from `at` on. */
export interface StoredRow {
  bytes: Buffer;
  at: number;
  length: number;
  rowid: number | bigint;
}

/** Puts the stored rows of a table's leaves together from the leaf and its overflow pages. */
export class LeafRecords {
  readonly #table: string;
  readonly #view: PageView;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  readonly #row: StoredRow = { bytes: this.#scratch, at: 0, length: 0, rowid: 0 };

  constructor(table: string, view: PageView) {
    this.#table = table;
    this.#view = view;
  }

  /** The rows of one parsed leaf in order, each valid until the next one. */
  *rowsOf(leaves: LeafList, leaf: number): Generator<StoredRow> {
    const page = leaves.page(leaf);
    const bytes = this.#view.read(page);
    const overflow = leaves.overflowOf(leaf);
    const arrayAt = (page === 1 ? FIRST_PAGE_OFFSET : 0) + LEAF_HEAD_BYTES;
    const row = this.#row;
    let followed = 0;
    for (let index = 0; index < leaves.rowsOf(leaf); index++) {
      const cell = cellOf(bytes, bytes.readUInt16BE(arrayAt + 2 * index), this.#view.usable);
      row.length = cell.payload;
      row.rowid = cell.rowid;
      if (cell.local === cell.payload) {
        row.bytes = bytes;
        row.at = cell.at;
      } else {
        if (cell.payload > 2 * MAX_ROW_BYTES) throw this.#tooLarge(cell.payload);
        const pages = Math.ceil((cell.payload - cell.local) / (this.#view.usable - 4));
        if (followed + pages > overflow.length) throw this.#changed(page);
        row.bytes = cell.payload <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafeSlow(cell.payload);
        row.at = 0;
        bytes.copy(row.bytes, 0, cell.at, cell.at + cell.local);
        const rest = row.bytes.subarray(cell.local, cell.payload);
        this.#view.readOverflow(overflow.subarray(followed, followed + pages), rest);
        followed += pages;
      }
      yield row;
    }
  }

  #changed(page: number): TenantError {
    return new TenantError("database-damaged", `Page ${page} of ${this.#table} changed while it was read.`);
  }

  #tooLarge(bytes: number): TenantError {
    return new TenantError(
      "row-too-large",
      `A row of ${this.#table} takes ${bytes} bytes; ${MAX_ROW_BYTES} are allowed.`,
    );
  }
}
