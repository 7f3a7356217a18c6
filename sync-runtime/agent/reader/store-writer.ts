import { createHash } from "node:crypto";
import { readSync, writeSync } from "node:fs";
import { DIGEST_BYTES } from "../../protocol/row-digest.ts";
import { RECORD_HEAD_BYTES, STORE_MAGIC, type StoreFooter } from "./store-format.ts";

const BUFFER_BYTES = 256 * 1024;

/** Writes a store from its beginning to its end. It counts only with {@link finish}: the sum is its last word. */
export class StoreWriter {
  readonly #fd: number;
  readonly #sha256 = createHash("sha256");
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #flushed = 0;

  /** @param fd of an empty file */
  constructor(fd: number) {
    this.#fd = fd;
    this.write(STORE_MAGIC);
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#flushed + this.#filled;
  }

  /** Begins a record; the digests of its rows follow. */
  record(page: number, rows: number, overflow: ArrayLike<number> = []): void {
    const head = Buffer.allocUnsafe(RECORD_HEAD_BYTES + 4 * overflow.length);
    head.writeUInt32LE(page, 0);
    head.writeUInt32LE(rows, 4);
    head.writeUInt32LE(overflow.length, 8);
    for (let index = 0; index < overflow.length; index++)
      head.writeUInt32LE(overflow[index] as number, RECORD_HEAD_BYTES + 4 * index);
    this.write(head);
  }

  digest(digest: Buffer): void {
    if (this.#filled + DIGEST_BYTES > BUFFER_BYTES) this.#flush();
    this.#filled += digest.copy(this.#buffer, this.#filled);
  }

  write(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#filled === BUFFER_BYTES) this.#flush();
      const copied = bytes.copy(this.#buffer, this.#filled, from);
      this.#filled += copied;
      from += copied;
    }
  }

  /** Takes records over from another store. */
  copy(fd: number, at: number, length: number): void {
    for (let from = at; from < at + length; ) {
      if (this.#filled === BUFFER_BYTES) this.#flush();
      const wanted = Math.min(BUFFER_BYTES - this.#filled, at + length - from);
      const read = readSync(fd, this.#buffer, this.#filled, wanted, from);
      if (read === 0) throw new RangeError("The base store ended within its records.");
      this.#filled += read;
      from += read;
    }
  }

  finish(footer: StoreFooter): void {
    const json = Buffer.from(JSON.stringify(footer));
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(json.length, 0);
    this.write(json);
    this.write(length);
    this.#flush();
    const sum = this.#sha256.digest();
    sum.copy(this.#buffer);
    this.#filled = sum.length;
    this.#put();
  }

  #flush(): void {
    this.#sha256.update(this.#buffer.subarray(0, this.#filled));
    this.#put();
  }

  #put(): void {
    for (let from = 0; from < this.#filled; )
      from += writeSync(this.#fd, this.#buffer, from, this.#filled - from, this.#flushed + from);
    this.#flushed += this.#filled;
    this.#filled = 0;
  }
}
