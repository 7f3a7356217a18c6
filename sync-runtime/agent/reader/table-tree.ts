import { TenantError } from "../../host/tenant-error.ts";
import { GrowingList } from "./growing-list.ts";
import { cellOf, FIRST_PAGE_OFFSET, LEAF_HEAD_BYTES } from "./leaf-cell.ts";
import type { PageView } from "./page-view.ts";

/** https://sqlite.org/fileformat2.html#b_tree_pages */
const INTERIOR_TABLE = 0x05;
const LEAF_TABLE = 0x0d;
const INTERIOR_HEAD_BYTES = 12;
/** SQLite follows a tree no deeper. */
const MAX_DEPTH = 20;
/** The longest that a row's payload may be in SQLite. */
const MAX_PAYLOAD = 0x7fff_ffff;

/** The leaves of one table in the order of their rows. */
export class LeafList {
  readonly #pages = GrowingList.ofUint32();
  readonly #rows = GrowingList.ofUint32();
  /** 1 for a leaf that was parsed; its neighbours are as they were. */
  readonly #parsed = GrowingList.ofUint32();
  readonly #first = GrowingList.ofInt64();
  readonly #last = GrowingList.ofInt64();
  readonly #overflow = GrowingList.ofUint32();
  readonly #overflowEnd = GrowingList.ofUint32();
  /** Rows of all leaves. */
  rows = 0;
  /** Bytes of the rows on parsed leaves, about. */
  payload = 0;

  get length(): number {
    return this.#pages.length;
  }

  page = (leaf: number): number => this.#pages.at(leaf);
  rowsOf = (leaf: number): number => this.#rows.at(leaf);
  isParsed = (leaf: number): boolean => this.#parsed.at(leaf) === 1;
  /** Of a parsed leaf that has rows. */
  firstRowid = (leaf: number): bigint => this.#first.at(leaf);
  lastRowid = (leaf: number): bigint => this.#last.at(leaf);

  /** The pages on which a parsed leaf's rows go on. */
  overflowOf(leaf: number): Uint32Array {
    return this.#overflow.slice(leaf === 0 ? 0 : this.#overflowEnd.at(leaf - 1), this.#overflowEnd.at(leaf));
  }

  addOverflow(page: number): void {
    this.#overflow.push(page);
  }

  /** Adds a leaf; its overflow pages have been added before. */
  add(page: number, rows: number, parsed?: { first: bigint; last: bigint }): void {
    this.#pages.push(page);
    this.#rows.push(rows);
    this.#parsed.push(parsed ? 1 : 0);
    this.#first.push(parsed?.first ?? 0n);
    this.#last.push(parsed?.last ?? 0n);
    this.#overflowEnd.push(this.#overflow.length);
    this.rows += rows;
  }
}

/** What is known of leaves before they are read. */
export interface KnownLeaves {
  /** Rows of a leaf of this table that is as it was, with all on which its rows go on; undefined for other pages. */
  rowsOf(page: number): number | undefined;
  /** The pages on which the rows of such a leaf go on. */
  overflowOf(page: number): Iterable<number>;
}

/** No page is known. */
export const NO_LEAVES: KnownLeaves = { rowsOf: () => undefined, overflowOf: () => [] };

/**
 * Finds the leaves of tables. A parser of its own for the part of the format that says which rows live on which pages;
 * what a row holds is left to SQLite. Whatever is not as SQLite writes it is `database-damaged`.
 */
export class TableTrees {
  readonly #view: PageView;
  readonly #heads: Uint32Array | undefined;
  /** Per page, whether it has been found in a tree: no page is in two places. */
  readonly #owned: Uint8Array;
  readonly #maxRows: number;

  /**
   * @param heads the first four bytes of every page, if they are known
   * @param maxRows of one table, beyond which the file is taken for forged
   */
  constructor(view: PageView, heads: Uint32Array | undefined, maxRows: number) {
    this.#view = view;
    this.#heads = heads;
    this.#owned = new Uint8Array(view.pages + 1);
    this.#maxRows = maxRows;
  }

  /**
   * The leaves of the table with this root; those that are known are not read.
   * @param again when they were found before: their pages are in one place, and then in this one
   */
  leavesOf(table: string, root: number, known: KnownLeaves, again = false): LeafList {
    const leaves = new LeafList();
    this.#walk({ table, leaves, known, again }, root, 0);
    return leaves;
  }

  #walk(walk: Walk, page: number, depth: number): void {
    this.#own(walk, page);
    if (depth > MAX_DEPTH) throw damaged(walk, page, "lies deeper than any tree is");
    const knownRows = walk.known.rowsOf(page);
    if (knownRows !== undefined) {
      for (const overflow of walk.known.overflowOf(page)) this.#own(walk, overflow);
      walk.leaves.add(page, knownRows);
      this.#limit(walk);
      return;
    }
    const bytes = this.#view.read(page);
    const at = page === 1 ? FIRST_PAGE_OFFSET : 0;
    const type = bytes[at];
    // Only a table without rows has such a page: its root.
    if (bytes.readUInt16BE(at + 3) === 0 && (depth > 0 || type !== LEAF_TABLE))
      throw damaged(walk, page, "holds nothing");
    if (type === LEAF_TABLE) this.#parseLeaf(walk, page, bytes, at);
    else if (type !== INTERIOR_TABLE) throw damaged(walk, page, `has the type ${type}`);
    else for (const child of this.#childrenOf(walk, page, bytes, at)) this.#walk(walk, child, depth + 1);
  }

  /** The pages below an interior page, copied: reading one of them overwrites the bytes. */
  #childrenOf(walk: Walk, page: number, bytes: Buffer, at: number): Uint32Array {
    const cells = bytes.readUInt16BE(at + 3);
    const children = new Uint32Array(cells + 1);
    for (let cell = 0; cell < cells; cell++)
      children[cell] = bytes.readUInt32BE(this.#cellAt(walk, page, bytes, at + INTERIOR_HEAD_BYTES, cell));
    children[cells] = bytes.readUInt32BE(at + 8);
    return children;
  }

  #parseLeaf(walk: Walk, page: number, bytes: Buffer, at: number): void {
    const { leaves } = walk;
    const rows = bytes.readUInt16BE(at + 3);
    let first = 0n;
    let last = 0n;
    for (let row = 0; row < rows; row++) {
      const from = this.#cellAt(walk, page, bytes, at + LEAF_HEAD_BYTES, row);
      const cell = cellOf(bytes, from, this.#view.usable);
      if (cell.payload > MAX_PAYLOAD) throw damaged(walk, page, "has a row longer than any row is");
      if (row === 0) first = BigInt(cell.rowid);
      if (row === rows - 1) last = BigInt(cell.rowid);
      leaves.payload += cell.payload;
      const localEnd = cell.at + cell.local;
      if (localEnd > this.#view.usable) throw damaged(walk, page, "has a row that leaves it");
      if (cell.local < cell.payload)
        this.#followOverflow(walk, page, bytes, localEnd, cell.payload - cell.local);
    }
    leaves.add(page, rows, { first, last });
    this.#limit(walk);
  }

  /** Adds the pages on which a row goes on. */
  #followOverflow(walk: Walk, page: number, bytes: Buffer, nextAt: number, rest: number): void {
    if (nextAt + 4 > this.#view.usable) throw damaged(walk, page, "has a row that leaves it");
    let next = bytes.readUInt32BE(nextAt);
    for (let count = Math.ceil(rest / (this.#view.usable - 4)); count > 0; count--) {
      this.#own(walk, next);
      walk.leaves.addOverflow(next);
      if (count > 1) next = this.#heads ? (this.#heads[next] as number) : this.#view.head(next);
    }
  }

  /** Where a cell begins, by the page's array of places. */
  #cellAt(walk: Walk, page: number, bytes: Buffer, arrayAt: number, cell: number): number {
    const pointerAt = arrayAt + 2 * cell;
    const at = pointerAt + 2 <= this.#view.usable ? bytes.readUInt16BE(pointerAt) : 0;
    if (at < pointerAt + 2 || at + 4 > this.#view.usable)
      throw damaged(walk, page, "has a cell outside of it");
    return at;
  }

  /** A page can be found once, and has to be one. */
  #own(walk: Walk, page: number): void {
    if (page < 1 || page > this.#view.pages) throw damaged(walk, page, "does not exist");
    if (this.#owned[page] && !walk.again) throw damaged(walk, page, "is in two places");
    this.#owned[page] = 1;
  }

  #limit({ table, leaves }: Walk): void {
    if (leaves.rows > this.#maxRows)
      throw new TenantError("contents-too-large", `Table ${table} has more than ${this.#maxRows} rows.`);
  }
}

/** One table being walked. */
interface Walk {
  table: string;
  leaves: LeafList;
  known: KnownLeaves;
  again: boolean;
}

const damaged = ({ table }: Walk, page: number, found: string) =>
  new TenantError("database-damaged", `Page ${page}, to which table ${table} leads, ${found}.`);
