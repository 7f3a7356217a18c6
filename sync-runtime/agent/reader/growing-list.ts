/** Numbers in a typed array that grows: a table can have a million pages, and as many arrays would not fit. */
export class GrowingList<Numbers extends Uint32Array | BigInt64Array, Item extends number | bigint> {
  #items: Numbers;
  #length = 0;
  readonly #make: (length: number) => Numbers;

  private constructor(make: (length: number) => Numbers) {
    this.#make = make;
    this.#items = make(64);
  }

  static ofUint32(): GrowingList<Uint32Array, number> {
    return new GrowingList<Uint32Array, number>((length) => new Uint32Array(length));
  }

  static ofInt64(): GrowingList<BigInt64Array, bigint> {
    return new GrowingList<BigInt64Array, bigint>((length) => new BigInt64Array(length));
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): Item {
    return this.#items[index] as Item;
  }

  set(index: number, item: Item): void {
    (this.#items as Item[] & Numbers)[index] = item;
  }

  push(item: Item): void {
    if (this.#length === this.#items.length) {
      const grown = this.#make(2 * this.#length);
      (grown as Uint32Array).set(this.#items as Uint32Array);
      this.#items = grown;
    }
    (this.#items as Item[] & Numbers)[this.#length++] = item;
  }

  /** A view of items `from` to `to`. */
  slice(from: number, to: number): Numbers {
    return this.#items.subarray(from, to) as Numbers;
  }
}
