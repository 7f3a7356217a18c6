const LANES = 4;

/**
 * The sum of a table's row digests: four lanes of 64 bits, each added up mod 2^64, so that order does not count and
 * duplicates do. It tells a replica's table from its source's by accident with a chance of 2^-256 only; both sides'
 * rows are ours, so nobody gains by searching for collisions.
 */
export class TableSum {
  /** High and low halves of each lane: 32-bit arithmetic is several times faster than BigInt here. */
  readonly #halves = new Uint32Array(2 * LANES);
  #rows = 0;

  /** Rows counted. */
  get rows(): number {
    return this.#rows;
  }

  /** Goes on from a sum that was printed, of so many rows. */
  static parse(printed: string, rows: number): TableSum {
    const sum = new TableSum();
    for (let half = 0; half < 2 * LANES; half++)
      sum.#halves[half] = Number.parseInt(printed.slice(8 * half, 8 * half + 8), 16);
    sum.#rows = rows;
    return sum;
  }

  /** Counts one row out that was counted in. */
  remove(digest: Buffer): void {
    for (let lane = 0; lane < LANES; lane++) {
      const high = 2 * lane;
      const low = (this.#halves[high + 1] as number) - digest.readUInt32BE(8 * lane + 4);
      this.#halves[high + 1] = low; // a Uint32Array keeps the value mod 2^32
      this.#halves[high] = (this.#halves[high] as number) - digest.readUInt32BE(8 * lane) - (low < 0 ? 1 : 0);
    }
    this.#rows--;
  }

  /** Counts one row in. */
  add(digest: Buffer): void {
    for (let lane = 0; lane < LANES; lane++) {
      const high = 2 * lane;
      const low = (this.#halves[high + 1] as number) + digest.readUInt32BE(8 * lane + 4);
      this.#halves[high + 1] = low; // a Uint32Array keeps the value mod 2^32
      this.#halves[high] =
        (this.#halves[high] as number) + digest.readUInt32BE(8 * lane) + (low >= 2 ** 32 ? 1 : 0);
    }
    this.#rows++;
  }

  /** 64 hex digits, lane by lane. */
  toString(): string {
    return Array.from(this.#halves, (half) => half.toString(16).padStart(8, "0")).join("");
  }
}
