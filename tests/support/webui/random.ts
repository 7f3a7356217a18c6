import { createHash } from "node:crypto";

/** Pseudo-random numbers that depend on where they are used alone, so that a database can be made again. */
export class Random {
  #state: number;

  /** @param place what the numbers are for; the same place gives the same numbers */
  constructor(...place: (string | number)[]) {
    let state = 0x811c9dc5;
    for (const part of place.join("/")) state = Math.imul(state ^ (part.codePointAt(0) ?? 0), 0x01000193);
    this.#state = state;
  }

  /** From 0 up to, and never, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, and never, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** True this often: 0 never, 1 always. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** As many small as large in each power of two, which is how sizes of chats spread. */
  logarithmic(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  /** What looks like a UUID of version 4. */
  uuid(): string {
    const hex = () =>
      Math.floor(this.next() * 2 ** 32)
        .toString(16)
        .padStart(8, "0");
    const [a, b, c, d] = [hex(), hex(), hex(), hex()];
    return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`;
  }
}

/** The UUID that names a row wherever it is named: a hash of its place. */
export function uuidOf(...place: (string | number)[]): string {
  const hex = createHash("sha256").update(place.join("/")).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
