import type { Why } from "./strict-value.ts";

/** A row that the strict schema does not take. */
export interface Violation {
  table: string;
  /** The row's key by column, as text; a table without a key gives what it has. */
  key: Record<string, string | null>;
  /** Absent where the row as a whole violates. */
  column?: string;
  why: Why;
  /** In words; never a value. */
  found: string;
}

/** What became of one table. */
export interface PromotedTable {
  name: string;
  /** In the replica. */
  rows: number;
  /** Of those: what the strict schema takes. */
  fit: number;
  leftOut: number;
  /** Whether the strict table holds exactly what was sent; null where nothing was written. */
  equal: boolean | null;
}

/** How a table differs from what it was filled with. A row that was changed counts on both sides. */
export interface ChangedTable {
  name: string;
  /** Rows that it did not have so: made or changed since. */
  made: number;
  /** Rows that it has no longer so: changed or deleted since. */
  gone: number;
}

/** What the strict schema has no place for: a table with its rows, or a column with its values. */
export interface NotCarried {
  table: string;
  column?: string;
  values: number;
}

/** What a promotion found and did. */
export interface Promotion {
  tenant: string;
  /** Alembic's head, the same on both sides. */
  version: string;
  /** When the replica was last found equal to its source. */
  verifiedAt: string;
  /** False: nothing was written, because rows violate the schema. */
  promoted: boolean;
  tables: PromotedTable[];
  violations: Violation[];
  notCarried: NotCarried[];
  /** Edits of others in the replica, which the target does not have. */
  edits: number;
}
