import { DIGEST_BYTES } from "../../protocol/row-digest.ts";

/** Slots per digest: few enough meet in one place. */
const SLOTS_PER_DIGEST = 2;

/** A multiset of row digests, 44 bytes of memory each: what is put in can be taken out as often as it was put in. */
export class DigestSet {
  #digests: Buffer;
  #counts: Uint32Array;
  /** Index of a digest, from 1; 0 for a free slot. */
  #slots: Uint32Array;
  /** Different digests. */
  #length = 0;
  #rows = 0;

  /** @param capacity digests that are expected; it grows beyond */
  constructor(capacity = 64) {
    this.#digests = Buffer.allocUnsafeSlow(Math.max(1, capacity) * DIGEST_BYTES);
    this.#counts = new Uint32Array(Math.max(1, capacity));
    this.#slots = new Uint32Array(slotsFor(capacity));
  }

  /** Digests put in and not taken out, each as often as it is there. */
  get rows(): number {
    return this.#rows;
  }

  /** Puts in the digest that begins at `at`. */
  add(bytes: Buffer, at = 0): void {
    this.#rows++;
    if (this.#length === this.#counts.length) this.#grow();
    const slot = this.#find(bytes, at);
    const known = this.#slots[slot] as number;
    if (known > 0) {
      (this.#counts[known - 1] as number)++;
      return;
    }
    bytes.copy(this.#digests, this.#length * DIGEST_BYTES, at, at + DIGEST_BYTES);
    this.#counts[this.#length] = 1;
    this.#slots[slot] = ++this.#length;
  }

  /** Takes a digest out once; false when it is not there (any more). */
  take(bytes: Buffer, at = 0): boolean {
    const index = (this.#slots[this.#find(bytes, at)] as number) - 1;
    if (index < 0 || this.#counts[index] === 0) return false;
    (this.#counts[index] as number)--;
    this.#rows--;
    return true;
  }

  /** What is left, each digest as often as it is there. */
  *rest(): Generator<Buffer> {
    for (let index = 0; index < this.#length; index++)
      for (let count = this.#counts[index] as number; count > 0; count--)
        yield this.#digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
  }

  /** The slot of a digest, or the free one in which it belongs. A digest's own bytes are as good as any hash of it. */
  #find(bytes: Buffer, at: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = bytes.readUInt32LE(at) & mask; ; slot = (slot + 1) & mask) {
      const index = (this.#slots[slot] as number) - 1;
      if (index < 0) return slot;
      const from = index * DIGEST_BYTES;
      if (this.#digests.compare(bytes, at, at + DIGEST_BYTES, from, from + DIGEST_BYTES) === 0) return slot;
    }
  }

  #grow(): void {
    const capacity = 2 * this.#counts.length;
    const counts = new Uint32Array(capacity);
    counts.set(this.#counts);
    const digests = Buffer.allocUnsafeSlow(capacity * DIGEST_BYTES);
    this.#digests.copy(digests);
    this.#counts = counts;
    this.#digests = digests;
    this.#slots = new Uint32Array(slotsFor(capacity));
    for (let index = 0; index < this.#length; index++)
      this.#slots[this.#find(digests, index * DIGEST_BYTES)] = index + 1;
  }
}

/** A power of two, so that a slot is found by masking. */
const slotsFor = (capacity: number): number =>
  2 ** Math.ceil(Math.log2(Math.max(16, capacity * SLOTS_PER_DIGEST)));
