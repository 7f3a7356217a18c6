import { MAX_WRITE_BYTES, MAX_WRITE_ROWS, type RowWrite, type WriteRefusal } from "../protocol/write.ts";

/** A decided row on its way to the writer. */
export interface Sending {
  conflict: string;
  write: RowWrite;
  /** Digest of its table's statements. */
  schema: string;
}

/** What the rest of a request may take beside its rows. */
const HEAD_BYTES = 256 * 1024;

const order = ({ before, after }: RowWrite): number => (after === null ? 0 : before === null ? 2 : 1);

/**
 * Rows in requests that a writer takes: what goes comes before what changes and what is new, so that a name that one row
 * gives up can be another's. A row that is too large for any request has one of its own.
 */
export function batchesOf(rows: readonly Sending[], mostBytes = MAX_WRITE_BYTES - HEAD_BYTES): Sending[][] {
  const batches: Sending[][] = [];
  let bytes = 0;
  for (const row of rows.toSorted((one, other) => order(one.write) - order(other.write))) {
    const size = Buffer.byteLength(JSON.stringify(row.write)) + 1;
    const last = batches.at(-1);
    if (last && last.length < MAX_WRITE_ROWS && bytes + size <= mostBytes) last.push(row);
    else {
      batches.push([row]);
      bytes = 0;
    }
    bytes += size;
  }
  return batches;
}

/** A batch in two. */
export function halves<T>(batch: readonly T[]): T[][] {
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)].filter((half) => half.length > 0);
}

/** The rows that a refusal is about: the one it names, or all of its table; the only one there is in any case. */
export function culpritsIn(batch: readonly Sending[], refusal: WriteRefusal | undefined): Sending[] {
  if (batch.length === 1) return [...batch];
  const { table, key } = refusal ?? {};
  return batch.filter(
    ({ write }) =>
      write.table === table && (key === undefined || JSON.stringify(write.key) === JSON.stringify(key)),
  );
}
