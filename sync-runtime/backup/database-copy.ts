import { open, realpath, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { anonymousBytes } from "../host/process-usage.ts";
import { copyingArguments, lastWordsOf, startSandboxed, wordsOf } from "../host/sandboxed-child.ts";
import { stampDatabase } from "../host/stamp.ts";
import { TenantError } from "../host/tenant-error.ts";
import { BackupError } from "./backup-error.ts";
import type { CopierTask, TableSums } from "./database-copier.ts";
import { diskFull, freeBytes, RESERVED_BYTES, requireSpace } from "./disk-space.ts";

/** Canonical bytes that a file may give per byte of its own, see agent/changes.ts. */
const CONTENT_PER_FILE_BYTE = 50;
const GROWTH_BYTES = 16 * 1024 * 1024;
/** Of anonymous memory. */
const MOST_MEMORY = 300 * 1024 * 1024;
const WATCH_MILLISECONDS = 200;
/** 5 MB/s, and ten minutes in any case. */
const SLOW_BYTES_PER_MILLISECOND = 5_000;
const MILLISECONDS = 600_000;
/** A database that was not in use may come into use while it is copied. */
const TRIES = 3;

const EXTENSION = extname(import.meta.url);
const COPIER = fileURLToPath(new URL(`./database-copier${EXTENSION}`, import.meta.url));
const PROGRAM = EXTENSION === ".ts" ? dirname(dirname(COPIER)) : COPIER;

const Word = z.union([
  z.object({
    ok: z.literal(true),
    bytes: z.int(),
    tables: z.record(
      z.string(),
      z.object({ rows: z.int().nonnegative(), sum: z.string().regex(/^[0-9a-f]{64}$/) }),
    ),
  }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);

/** A consistent copy of a database, gone when it is disposed of. */
export interface DatabaseCopy extends AsyncDisposable {
  path: string;
  tables: TableSums;
}

/**
 * Copies a tenant's database as it is at one moment, beside whoever writes to it. What the tenant may have forged ends in a
 * {@link BackupError} for that tenant alone.
 * @param data the tenant's data directory
 * @param name of the database in it, `vector_db/chroma.sqlite3`
 * @param into a directory of our own
 */
export async function copyDatabase(
  data: string,
  name: string,
  into: string,
  signal: AbortSignal,
): Promise<DatabaseCopy> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryCopy(data, name, into, signal);
    } catch (error) {
      if (!(error instanceof TenantError)) throw error;
      const passing = ["database-moved", "database-busy"].includes(error.code);
      if (!passing || tries === TRIES || signal.aborted) throw unreadable(error);
    }
  }
}

async function tryCopy(data: string, name: string, into: string, signal: AbortSignal): Promise<DatabaseCopy> {
  const top = await realpath(data);
  const real = join(await realpath(join(top, dirname(name))), basename(name));
  // Directories below the data directory are the tenant's to replace; what is opened later is compared with this path.
  if (real !== join(top, name))
    throw new TenantError("database-not-regular", `${name} lies behind a link; a directory was expected.`);
  const now = () => BigInt(Date.now()) * 1_000_000n;
  const stamp = await stampDatabase(real, now());
  await requireSpace(into, stamp.bytes);
  const copyPath = join(into, `${basename(name)}.copy`);
  await removeCopy(copyPath);
  const file = await open(copyPath, "wx+", 0o600);
  try {
    const task: CopierTask = {
      ...{ database: real, state: stamp.state, copyPath },
      maxContentBytes: (stamp.bytes + GROWTH_BYTES) * CONTENT_PER_FILE_BYTE,
    };
    const { tables } = await run(task, file.fd, stamp.bytes, into, signal);
    if (stamp.state === "settled") {
      const after = await stampDatabase(real, now());
      if (after.state !== stamp.state || after.fingerprint !== stamp.fingerprint)
        throw new TenantError("database-moved", `${real} came into use while it was copied.`);
    }
    return { path: copyPath, tables, [Symbol.asyncDispose]: () => removeCopy(copyPath) };
  } catch (error) {
    await removeCopy(copyPath);
    throw error;
  } finally {
    await file.close();
  }
}

async function run(
  task: CopierTask,
  copy: number,
  bytes: number,
  disk: string,
  signal: AbortSignal,
): Promise<{ tables: TableSums }> {
  const stop = new AbortController();
  const { process: child, ended } = startSandboxed(
    copyingArguments(COPIER, PROGRAM, 128, task),
    ["ignore", "pipe", "pipe", "ignore", copy],
    AbortSignal.any([signal, stop.signal]),
  );
  const stopFor = (why: Error) => stop.abort(why);
  const limit = Math.max(MILLISECONDS, bytes / SLOW_BYTES_PER_MILLISECOND);
  const clock = setTimeout(
    () =>
      stopFor(new TenantError("reader-stopped", `The copy took longer than ${Math.round(limit / 1000)} s.`)),
    limit,
  );
  const watch = setInterval(async () => {
    const [memory, free] = await Promise.all([anonymousBytes(child.pid), freeBytes(disk)]);
    if (memory > MOST_MEMORY)
      stopFor(new TenantError("reader-stopped", `The copy needed more than ${MOST_MEMORY} bytes of memory.`));
    if (free < RESERVED_BYTES) stopFor(diskFull(free, 0));
  }, WATCH_MILLISECONDS);
  try {
    const [result, lastWords, end] = await Promise.all([
      firstWord(child.stdout as Readable, stopFor),
      lastWordsOf(child.stderr as Readable),
      ended,
    ]);
    signal.throwIfAborted();
    stop.signal.throwIfAborted();
    if (!result)
      throw new TenantError(
        "reader-failed",
        `The copier ended without a result: ${`${end} ${lastWords}`.trim()}.`,
      );
    if (result.ok) return result;
    if (result.code === "spool-full") throw diskFull(await freeBytes(disk), 0);
    throw new TenantError(result.code as TenantError["code"], result.message);
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
  }
}

async function firstWord(stream: Readable, stopFor: (why: Error) => void) {
  const complain = (why: string) => stopFor(new TenantError("reader-stopped", why));
  for await (const word of wordsOf(stream, Word, "copier", complain)) return word;
  return undefined;
}

const removeCopy = async (path: string): Promise<void> => {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(path + suffix, { force: true });
};

const unreadable = (error: TenantError): BackupError =>
  new BackupError("tenant-unreadable", `${error.message} (${error.code}) ${error.failure.remedy}`, {
    cause: error,
  });
