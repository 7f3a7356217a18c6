import { readFileSync } from "node:fs";

/** One row whose digest is published, for every implementation of the specification to check itself against. */
export interface RowVector {
  name: string;
  table: string;
  columns: {
    name: string;
    /** The Postgres type the replica keeps it in. */
    type: string;
    /** Canonical bytes in hex. */
    canonical: string;
    /** What Postgres stores, as SQL text input; null for NULL and for values kept beside the row. */
    stored: string | null;
    /** Whether the value is kept in `_replica_odd`. */
    odd: boolean;
  }[];
  /** The bytes that are hashed, in hex. */
  row: string;
  digest: string;
}

/** The contents of row-digest.vectors.json. */
export interface Vectors {
  rows: RowVector[];
  /** The sum over all `rows` in order, and with the first counted twice. */
  sums: { rows: string; firstTwice: string };
}

export const vectors: Vectors = JSON.parse(
  readFileSync(new URL("row-digest.vectors.json", import.meta.url), "utf8"),
);
