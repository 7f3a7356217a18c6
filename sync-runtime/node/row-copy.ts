import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { CopyStreamQuery } from "pg-copy-streams";
import { COPY_HEAD, COPY_TAIL, CopyRows, type ReplicaColumn } from "./copy-rows.ts";

/** A frame longer than this holds one long row; its memory is given back without waiting for the garbage collector. */
const LONG_FRAME_BYTES = 1024 * 1024;

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

  /**
   * Writes one frame of whole rows; resolves when Postgres takes more, so that memory stays bounded. A long frame with
   * a buffer of its own is empty afterwards.
   */
  async write(frame: Buffer): Promise<void> {
    for (const part of this.#rows.encode(frame)) {
      if (this.#failure) throw this.#failure;
      if (!this.#copy.write(part)) await Promise.race([once(this.#copy, "drain"), this.#failed]);
    }
    release(frame);
  }

  /** Ends the COPY; resolves when Postgres has all rows and has computed their digests. */
  async end(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#copy.end(COPY_TAIL);
    await Promise.race([finished(this.#copy), this.#failed]);
  }
}

/**
 * Frees a long frame. Nothing refers to it any more: a part this long is never buffered beside another, so the stream
 * has drained behind each. The collector would come for it long after, when this side of memory is under pressure.
 */
function release({ buffer, byteLength }: Buffer): void {
  if (byteLength > LONG_FRAME_BYTES && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}
