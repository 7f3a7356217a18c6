/** How many rows a table holds and the sum of their digests (protocol/table-sum.ts). */
export interface TableState {
  name: string;
  rows: number;
  sum: string;
}

/** Tables named in an error at most; the count says how many there are. */
const NAMED = 5;

/**
 * What keeps a replica from being equal to what it should be, one sentence a table; empty when it is equal.
 * @param expected what it should hold, table by table
 * @param found what Postgres counted in it
 */
export function differences(expected: readonly TableState[], found: readonly TableState[]): string[] {
  const left = new Map(found.map((table) => [table.name, table]));
  const sentences: string[] = [];
  for (const { name, rows, sum } of expected) {
    const table = left.get(name);
    left.delete(name);
    if (!table) sentences.push(`${name} is missing`);
    else if (table.rows !== rows) sentences.push(`${name} has ${table.rows} rows instead of ${rows}`);
    else if (table.sum !== sum) sentences.push(`${name} has ${rows} rows of other content`);
  }
  for (const name of left.keys()) sentences.push(`${name} should not be there`);
  return sentences;
}

/** The replica does not hold what it has to. */
export class NotEqualError extends Error {
  override name = "NotEqualError";
  readonly code = "not-equal";

  /** @param consequence what was done about it and what happens next, as sentences */
  constructor(found: readonly string[], consequence: string) {
    const named = found.slice(0, NAMED).join("; ");
    const more = found.length > NAMED ? ` and ${found.length - NAMED} tables more` : "";
    super(`The replica is not equal: ${named}${more}. ${consequence}`);
  }
}

/**
 * The replica has to hold what the last verified sync left in it: nobody else may have changed a byte.
 * @param tables as they are, beside what was recorded; undefined for a table that was never verified
 */
export function requireUntouched(
  tables: readonly (TableState & { recorded: Omit<TableState, "name"> | undefined })[],
): void {
  const recorded = tables.flatMap(({ name, recorded }) => (recorded ? [{ name, ...recorded }] : []));
  const found = differences(recorded, tables);
  if (found.length > 0)
    throw new NotEqualError(
      found,
      "Somebody other than the nodes changed it since it was last verified. The next sync compares every row and repairs it from the source.",
    );
}
