import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { CopyStreamQuery } from "pg-copy-streams";
import { COPY_HEAD, COPY_TAIL, CopyRows, type ReplicaColumn } from "./copy-rows.ts";

/** A COPY of canonical rows into one table while it runs. */
export class RowCopy {
  readonly #copy: CopyStreamQuery;
  readonly #rows: CopyRows;
  /** Rejects when the COPY fails; the stream tells that once only, whoever listens at that moment. */
  readonly #failed: Promise<never>;
  #failure: Error | undefined;

  constructor(copy: CopyStreamQuery, source: readonly string[], replica: readonly ReplicaColumn[]) {
    this.#copy = copy;
    this.#rows = new CopyRows(source, replica);
    this.#failed = new Promise((_, reject) => {
      copy.on("error", (error: Error) => {
        this.#failure = error;
        reject(error);
      });
    });
    this.#failed.catch(() => {});
    copy.write(COPY_HEAD);
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows.rows;
  }

  /** Writes one frame of whole rows; resolves when Postgres takes more, so that memory stays bounded. */
  async write(frame: Buffer): Promise<void> {
    for (const part of this.#rows.encode(frame)) {
      if (this.#failure) throw this.#failure;
      if (!this.#copy.write(part)) await Promise.race([once(this.#copy, "drain"), this.#failed]);
    }
  }

  /** Ends the COPY; resolves when Postgres has all rows and has computed their digests. */
  async end(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#copy.end(COPY_TAIL);
    await Promise.race([finished(this.#copy), this.#failed]);
  }
}
