import { createHash, hash } from "node:crypto";

/** Bytes of a row digest. */
export const DIGEST_BYTES = 32;

/** Rows up to this size are hashed in one call from a buffer that is kept; longer ones piece by piece, without a copy. */
const SCRATCH_BYTES = 256 * 1024;

/** `x` with its length before it: u32be bytes, then UTF-8. */
const lengthPrefixed = (x: string): Buffer => {
  const bytes = Buffer.from(x);
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32BE(bytes.length, 0);
  return Buffer.concat([head, bytes]);
};

/**
 * Computes the digests of one table's rows: sha256 over table name, then name and canonical value of every column,
 * columns in the order of their names' UTF-8 bytes. So a value that moved to another column, table or type changes
 * the digest, and the order in which either side keeps its columns does not.
 */
export class RowDigester {
  /** Per column, in the order hashed: its index in the header, and the bytes that come before its value. */
  readonly #columns: { index: number; before: Buffer }[];
  readonly #namesBytes: number;
  readonly #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);

  /** @param columns the column names in the order in which {@link digest} is given the values */
  constructor(table: string, columns: readonly string[]) {
    const prefix = Buffer.concat([Buffer.from("owui-row-1\0"), lengthPrefixed(table)]);
    this.#columns = columns
      .map((name, index) => ({ name: Buffer.from(name), index, before: lengthPrefixed(name) }))
      .sort((a, b) => Buffer.compare(a.name, b.name))
      .map(({ index, before }, rank) => ({
        index,
        before: rank === 0 ? Buffer.concat([prefix, before]) : before,
      }));
    if (columns.length === 0)
      throw new RangeError(`Table ${table} has no columns; a row without values has no digest.`);
    this.#namesBytes = this.#columns.reduce((sum, { before }) => sum + before.length, 0);
  }

  /**
   * The digest of one row whose values stand in `bytes`.
   * @param bounds one more entry than columns: value i is `bytes[bounds[i]..bounds[i + 1])`, in the header's order
   */
  digest(bytes: Buffer, bounds: ArrayLike<number>): Buffer {
    const rowBytes = (bounds[this.#columns.length] as number) - (bounds[0] as number);
    if (this.#namesBytes + rowBytes > SCRATCH_BYTES)
      return this.digestPieces(this.#columns.map((_, i) => [bytes.subarray(bounds[i], bounds[i + 1])]));
    let filled = 0;
    for (const { index, before } of this.#columns) {
      filled += before.copy(this.#scratch, filled);
      filled += bytes.copy(this.#scratch, filled, bounds[index], bounds[index + 1]);
    }
    return hash("sha256", this.#scratch.subarray(0, filled), "buffer");
  }

  /**
   * The digest of one row given in pieces, so that one of 36 MB need not be copied into one buffer.
   * @param values per column, in the header's order, the parts of its canonical bytes
   */
  digestPieces(values: readonly (readonly Uint8Array[])[]): Buffer {
    const sha256 = createHash("sha256");
    for (const { index, before } of this.#columns) {
      sha256.update(before);
      for (const piece of values[index] ?? []) sha256.update(piece);
    }
    return sha256.digest();
  }
}
