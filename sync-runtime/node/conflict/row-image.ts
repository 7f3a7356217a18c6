/** A row as the replica holds it: values by column name as JSON scalars or strings, json columns as their text; null: no such row. */
export type RowImage = Readonly<Record<string, unknown>> | null;

/** The column with what a row's other columns cannot hold. It says what they mean, so it never changes without them. */
export const ODD_COLUMN = "_replica_odd";

/** Whether two values of one column are the same. A number may come as a number or, when it is long, as its text. */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  const [a, b] = [one ?? null, other ?? null];
  if (a === null || b === null) return a === b;
  return text(a) === text(b);
}

const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

/** A column's value; null where there is none. A column may be named like what every object has. */
export const valueIn = (row: RowImage, column: string): unknown =>
  row && Object.hasOwn(row, column) ? (row[column] ?? null) : null;

/** Whether two images are of the same row. A column that one of them lacks is null in it. */
export function isSameRow(one: RowImage, other: RowImage): boolean {
  if (!one || !other) return one === other;
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((column) =>
    isSameValue(valueIn(one, column), valueIn(other, column)),
  );
}

/** Whether a value stands beside the row, because its column cannot hold it. */
export const hasOddValue = (row: RowImage): boolean => valueIn(row, ODD_COLUMN) !== null;
