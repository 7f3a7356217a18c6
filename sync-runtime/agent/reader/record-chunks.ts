import { DIGEST_BYTES } from "../../protocol/row-digest.ts";
import type { StoreWriter } from "./store-writer.ts";

const ROWS_PER_RECORD = 1024;

/** Writes the digests of rows whose pages are not known into records of a store. */
export class RecordChunks {
  readonly #store: StoreWriter;
  readonly #digests = Buffer.allocUnsafeSlow(ROWS_PER_RECORD * DIGEST_BYTES);
  #rows = 0;

  constructor(store: StoreWriter) {
    this.#store = store;
  }

  add(digest: Buffer): void {
    digest.copy(this.#digests, this.#rows * DIGEST_BYTES);
    if (++this.#rows === ROWS_PER_RECORD) this.end();
  }

  /** Writes what is left. */
  end(): void {
    if (this.#rows === 0) return;
    this.#store.record(0, this.#rows);
    this.#store.write(this.#digests.subarray(0, this.#rows * DIGEST_BYTES));
    this.#rows = 0;
  }
}
