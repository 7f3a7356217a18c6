import type { FilePosition } from "./page-view.ts";

/**
 * A store: what one snapshot was made of, in a flat file. Its sections, little-endian:
 * 1. magic
 * 2. per table its records: u32 page, u32 rows, u32 overflow pages, then the numbers of these, then the rows' digests.
 *    A record is a leaf of the table's tree, or, with page 0, some rows of a table that is read row by row
 * 3. the tags of the groups of pages
 * 4. the footer as JSON, u32 its length
 * 5. sha256 of all of the above
 */
export const STORE_MAGIC = Buffer.from("owui-store-1\n\0\0\0");
export const RECORD_HEAD_BYTES = 12;
export const TRAILER_BYTES = 4 + 32;

/** What a store says of one table. */
export interface StoredTable {
  name: string;
  /** Of its name and columns: another shape is another table to a replica. */
  shape: string;
  /** Of the statement that made it, on which the meaning of a stored row depends as well. */
  definition: string;
  rows: number;
  /** As in the manifest. */
  sum: string;
  /** Where its records are. */
  at: number;
  bytes: number;
}

/** What the pages of the snapshot were; null when only rows were read. */
export interface StoredPages {
  position: FilePosition;
  pageSize: number;
  usable: number;
  pages: number;
  /** Of the tags, in hex. */
  key: string;
  /** Where the tags are. */
  at: number;
  bytes: number;
}

export interface StoreFooter {
  /** The sync that carried the snapshot. */
  sync: string;
  pages: StoredPages | null;
  tables: StoredTable[];
}
