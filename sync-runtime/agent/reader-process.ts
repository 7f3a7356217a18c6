import { dirname, extname } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { anonymousBytes, processorSeconds } from "../host/process-usage.ts";
import { copyingArguments, lastWordsOf, startSandboxed, wordsOf } from "../host/sandboxed-child.ts";
import { isTenantErrorCode, TenantError } from "../host/tenant-error.ts";
import { Manifest } from "../protocol/message.ts";
import type { ReaderResult, ReaderTask } from "./reader/task.ts";
import { diskFull, freeBytes, RESERVED_BYTES, type SpoolFile, type SpoolTail } from "./spool.ts";

/** Limits of one reader. 700 MB took 13 s on two busy cores, and 55 MB of memory; a row counts three times in it. */
export interface ReaderLimits {
  /** Bounds how long a transaction keeps the tenant's -wal from being checkpointed. */
  milliseconds: number;
  /** Of anonymous resident memory (RssAnon): pages of files do not count. */
  memoryBytes: number;
  /** What stays free of the agent's disk. */
  reservedBytes: number;
}

export const READER_LIMITS: ReaderLimits = {
  milliseconds: 120_000,
  memoryBytes: 220 * 1024 * 1024,
  reservedBytes: RESERVED_BYTES,
};

/** A large database may take longer, at a speed that every disk has; a forged size gets a quarter of an hour at most. */
export const readerLimits = (databaseBytes: number): ReaderLimits => ({
  ...READER_LIMITS,
  milliseconds: Math.min(
    Math.max(READER_LIMITS.milliseconds, databaseBytes / SLOW_BYTES_PER_MILLISECOND),
    900_000,
  ),
});

/** What a reader used, also one that broke. */
export interface ReaderUsage {
  seconds: number;
  /** As far as seen, see {@link WATCH_MILLISECONDS}. */
  cpuSeconds: number;
  /** Most RssAnon seen. */
  memoryBytes: number;
}

/** 10 MB/s. */
const SLOW_BYTES_PER_MILLISECOND = 10_000;
/** How often a running reader is looked at. */
const WATCH_MILLISECONDS = 200;

/** A {@link ReaderWord}, not yet trusted. */
const Word = z.union([
  z.object({ spooled: z.int() }),
  z.object({
    ok: z.literal(true),
    manifest: Manifest,
    contentBytes: z.int(),
    mode: z.enum(["full", "delta"]),
    generation: z.int(),
    cpuSeconds: z.number(),
  }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);
type Word = z.infer<typeof Word>;

/** reader.ts beside this file, or reader.mjs beside the bundle; and what of the program it has to load. */
const EXTENSION = extname(import.meta.url);
const READER = fileURLToPath(new URL(`./reader${EXTENSION}`, import.meta.url));
const PROGRAM = EXTENSION === ".ts" ? dirname(dirname(READER)) : READER;

/** argv of a reader. */
export const readerArguments = (task: ReaderTask): string[] => copyingArguments(READER, PROGRAM, 64, task);

/** What a reader works on beside the tenant's database. */
export interface ReaderFiles {
  spool: SpoolFile;
  /** Grows with what has been written to `spool`. */
  tail: SpoolTail;
  copy: SpoolFile;
  /** Takes the store of the snapshot. */
  store: { readonly fd: number };
  /** The store of the snapshot it is compared with. */
  base: { readonly fd: number } | undefined;
}

/** Runs one reader to its end. The snapshot up to its manifest is in `spool` when this resolves, whole. */
export async function runReader(
  task: ReaderTask,
  files: ReaderFiles,
  signal: AbortSignal,
  limits: ReaderLimits = READER_LIMITS,
  used: (usage: ReaderUsage) => void = () => {},
): Promise<Extract<ReaderResult, { ok: true }>> {
  const began = performance.now();
  const usage: ReaderUsage = { seconds: 0, cpuSeconds: 0, memoryBytes: 0 };
  const stop = new AbortController();
  const descriptors = [files.spool.fd, files.copy.fd, files.store.fd, files.base?.fd ?? "ignore"] as const;
  const { process: child, ended } = startSandboxed(
    readerArguments(task),
    ["ignore", "pipe", "pipe", ...descriptors],
    AbortSignal.any([signal, stop.signal]),
  );
  const stopFor = (why: string | TenantError) =>
    stop.abort(typeof why === "string" ? new TenantError("reader-stopped", why) : why);
  const clock = setTimeout(
    () => stopFor(`The reader took longer than ${limits.milliseconds / 1000} s.`),
    limits.milliseconds,
  );
  const watch = setInterval(async () => {
    const [memoryBytes, cpuSeconds, free] = await Promise.all([
      anonymousBytes(child.pid),
      processorSeconds(child.pid),
      freeBytes(dirname(task.copyPath)),
    ]);
    usage.memoryBytes = Math.max(usage.memoryBytes, memoryBytes);
    usage.cpuSeconds = Math.max(usage.cpuSeconds, cpuSeconds);
    if (memoryBytes > limits.memoryBytes)
      stopFor(`The reader needed more than ${limits.memoryBytes} bytes of memory.`);
    if (free < limits.reservedBytes) stopFor(diskFull(free, 0));
  }, WATCH_MILLISECONDS);
  try {
    const [result, lastWords, end] = await Promise.all([
      listen(child.stdout as Readable, files.tail, stopFor),
      lastWordsOf(child.stderr as Readable),
      ended,
    ]);
    signal.throwIfAborted();
    stop.signal.throwIfAborted();
    if (result?.ok) usage.cpuSeconds = result.cpuSeconds;
    return requireSnapshot(result, `${end} ${lastWords}`);
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
    used({ ...usage, seconds: (performance.now() - began) / 1000 });
  }
}

/** Follows what a reader says to its end; gives the last word. What makes no sense stops it. */
async function listen(
  stream: Readable,
  tail: SpoolTail,
  stopFor: (why: string) => void,
): Promise<Exclude<Word, { spooled: number }> | undefined> {
  for await (const word of wordsOf(stream, Word, "reader", stopFor)) {
    if (!("spooled" in word)) return word;
    tail.grow(word.spooled);
  }
  return undefined;
}

/** The word of a reader that read everything; one that was killed or broke has said none. */
function requireSnapshot(
  result: Exclude<Word, { spooled: number }> | undefined,
  end: string,
): Extract<ReaderResult, { ok: true }> {
  if (!result) throw new TenantError("reader-failed", `The reader ended without a result: ${end.trim()}.`);
  if (result.ok) return result;
  throw new TenantError(isTenantErrorCode(result.code) ? result.code : "reader-failed", result.message);
}
