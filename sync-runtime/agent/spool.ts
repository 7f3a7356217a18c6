import { read } from "node:fs";
import { mkdir, open, readdir, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { TenantError } from "../host/tenant-error.ts";

/**
 * What the agent leaves free of its disk, which may be the tenants' as well: Open WebUI cannot write to a full one. A
 * reader is looked at five times a second and writes less than this meanwhile.
 */
export const RESERVED_BYTES = 512 * 1024 * 1024;

/** What is read from the spool at a time, for sending. */
const CHUNK_BYTES = 64 * 1024;

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
  readonly #free: (directory: string) => Promise<number>;

  /** @param free bytes that can be written to a directory's file system */
  constructor(state: string, free = freeBytes) {
    this.#directory = join(state, "spool");
    this.#free = free;
  }

  /** Throws before a byte is written when so many would fill the disk. */
  async requireSpace(bytes: number): Promise<void> {
    const free = await this.#free(this.#directory);
    if (free - bytes < RESERVED_BYTES) throw diskFull(free, bytes);
  }

  /** Bytes of all files in it. */
  async bytes(): Promise<number> {
    const names = await readdir(this.#directory);
    const sizes = names.map((name) =>
      stat(join(this.#directory, name)).then(
        ({ size }) => size,
        () => 0, // removed meanwhile
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
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

/** Bytes that can be written to a directory's file system. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Size of a directory's file system, without what is reserved for root. */
export async function totalBytes(directory: string): Promise<number> {
  const { blocks, bfree, bavail, bsize } = await statfs(directory);
  return (blocks - bfree + bavail) * bsize;
}

/** @param needed bytes to be written as far as known */
export const diskFull = (free: number, needed: number): TenantError =>
  new TenantError(
    "spool-full",
    `${megabytes(free)} MB are free on the agent's disk, of which ${megabytes(RESERVED_BYTES)} MB stay free; ` +
      `${needed > 0 ? `${megabytes(needed)} MB were needed for a copy of the database` : "the snapshot would not fit"}.`,
  );

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);

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
