import { read } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** What is read from the spool at a time, for sending. */
const CHUNK_BYTES = 256 * 1024;

/** A file of the spool, open, gone when it is disposed of. */
export interface SpoolFile extends AsyncDisposable {
  readonly path: string;
  readonly fd: number;
}

/**
 * Where snapshots wait on the agent's own disk until they were sent, so that a slow network never holds a tenant's
 * transaction. Nothing in it outlives its request: {@link clear} removes what a killed agent left.
 */
export class Spool {
  readonly #directory: string;

  constructor(state: string) {
    this.#directory = join(state, "spool");
  }

  async clear(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await mkdir(this.#directory, { mode: 0o700 });
  }

  async create(name: string): Promise<SpoolFile> {
    const path = join(this.#directory, name);
    const file = await open(path, "wx+", 0o600);
    return {
      path,
      fd: file.fd,
      async [Symbol.asyncDispose]() {
        // With what SQLite keeps beside a database.
        for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(path + suffix, { force: true });
        await file.close();
      },
    };
  }
}

/** Hands on what a reader has written to a spool file, while it goes on writing. */
export class SpoolTail {
  #bytes = 0;
  #ended = false;
  #wake = () => {};

  /** Bytes that may be read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes, from the file's beginning, are there and stay as they are. */
  grow(bytes: number): void {
    this.#bytes = bytes;
    this.#wake();
  }

  /** Nothing more comes. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Everything that {@link grow} allows, until {@link end}; once. */
  async *read(fd: number): AsyncGenerator<Buffer> {
    for (let at = 0; ; ) {
      if (at < this.#bytes) {
        const chunk = await readChunk(fd, at, Math.min(CHUNK_BYTES, this.#bytes - at));
        at += chunk.length;
        yield chunk;
      } else if (this.#ended) return;
      else await this.#change();
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function readChunk(fd: number, at: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await promisify(read)(fd, Buffer.allocUnsafeSlow(length), 0, length, at);
  if (bytesRead === 0) throw new Error(`The spool ends at ${at} bytes; more were announced.`);
  return buffer.subarray(0, bytesRead);
}
