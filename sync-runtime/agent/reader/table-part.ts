import type { SourceTable, TableWork } from "../../protocol/message.ts";
import type { TableSum } from "../../protocol/table-sum.ts";
import type { BaseStore } from "./base-store.ts";
import type { PageChanges } from "./page-changes.ts";
import type { StoreWriter } from "./store-writer.ts";
import type { ContentLimit, TableRows } from "./table-rows.ts";
import type { TableTrees } from "./table-tree.ts";

/** What a snapshot's tables are read with. */
export interface Reading {
  /** undefined when the pages cannot be told: then tables are read row by row. */
  pages: { trees: TableTrees; changes: PageChanges } | undefined;
  base: BaseStore | undefined;
  store: StoreWriter;
  limit: ContentLimit;
  /** Of one table, beyond which the file is taken for forged. */
  maxRows: number;
}

/** One table to be read. */
export interface TableToRead {
  table: SourceTable;
  /** Root page of its tree; null when it has to be read row by row. */
  root: number | null;
  rows: TableRows;
}

/** One table's part of a snapshot. */
export interface TablePart {
  /** What is announced of it; undefined when nothing changed. */
  readonly work: TableWork | undefined;
  /** The frames behind its table frame; to be read to their end, once, if there is work. */
  frames(): Generator<Uint8Array>;
  /** All of its rows; right when the frames have been read. */
  readonly sum: TableSum;
  /** Where the store has its records; right when the frames have been read. */
  readonly section: { at: number; bytes: number };
}
