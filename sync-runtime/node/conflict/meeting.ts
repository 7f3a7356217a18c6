import { hasOddValue, ODD_COLUMN, type RowImage, valueIn } from "./row-image.ts";

/** A row that others changed in the replica, and the source's row as it is now. */
export interface Meeting {
  table: string;
  /** Null: the table has no key. */
  key: Readonly<Record<string, unknown>> | null;
  /** The row as it was last verified. */
  base: RowImage;
  source: RowImage;
  /** What others made of it. */
  remote: RowImage;
  editedAt: Date;
  /** The table's columns and their types: json, text, int8, bool, float8, bytea. */
  types: Readonly<Record<string, string>>;
}

/**
 * A meeting in the columns the table has now. Where the source got a column since, the other two have its value: that the
 * table changed is nobody's change to the row. What stood in a column that is gone is gone.
 */
export function inColumnsOfNow(meeting: Meeting): Meeting {
  const { source, base, remote, types } = meeting;
  const odd = [base, remote].some(hasOddValue) ? [ODD_COLUMN] : [];
  const columns = source
    ? new Set([...Object.keys(source), ...odd])
    : Object.keys(remote ?? base ?? {}).filter(
        (column) => Object.hasOwn(types, column) || column === ODD_COLUMN,
      );
  const now = (row: RowImage): RowImage =>
    row && Object.fromEntries([...columns].map((column) => [column, valueOfNow(row, column, source)]));
  return { ...meeting, base: now(base), source: now(source), remote: now(remote) };
}

/** A row's value, or else what the source has; beside a row stands what is its own, or nothing. */
const valueOfNow = (row: NonNullable<RowImage>, column: string, source: RowImage): unknown =>
  valueIn(Object.hasOwn(row, column) || column === ODD_COLUMN ? row : source, column);
