import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { dirname, extname } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { anonymousBytes } from "../host/process-usage.ts";
import { lastWordsOf, startSandboxed, wordsOf } from "../host/sandboxed-child.ts";
import { WireValue, WriteAnswer } from "../protocol/write.ts";
import { isRefusalCode, RefusalError } from "./refusal-error.ts";
import type { WriteTask } from "./row-writer/task.ts";

/** Limits of one row writer. */
export interface RowWriterLimits {
  /** Until it has the lock, and again until it has closed: what a killed application left may have to be worked off. */
  openMilliseconds: number;
  /** While it holds the lock. The application gives up a commit after five seconds; a thousand rows take a tenth of one. */
  holdMilliseconds: number;
  /** Of anonymous resident memory (RssAnon): pages of files do not count. */
  memoryBytes: number;
}

export const ROW_WRITER_LIMITS: RowWriterLimits = {
  openMilliseconds: 20_000,
  holdMilliseconds: 5_000,
  memoryBytes: 300 * 1024 * 1024,
};

/** How often a running row writer is looked at. */
const WATCH_MILLISECONDS = 100;

/** A WriterWord, not yet trusted. */
const Word = z.discriminatedUnion("state", [
  z.object({ state: z.literal("locked") }),
  z.object({ state: z.literal("committing") }),
  WriteAnswer.extend({ state: z.literal("done") }),
  z.object({
    state: z.literal("refused"),
    code: z.string(),
    message: z.string(),
    row: z.object({ table: z.string().optional(), key: z.array(WireValue).optional() }),
  }),
]);
type Word = z.infer<typeof Word>;
/** How it went. */
type Result = Extract<Word, { state: "done" | "refused" }>;

/** row-writer.ts beside this file, or row-writer.mjs beside the bundle; and what of the program it has to load. */
const EXTENSION = extname(import.meta.url);
const ROW_WRITER = fileURLToPath(new URL(`./row-writer${EXTENSION}`, import.meta.url));
const PROGRAM = EXTENSION === ".ts" ? dirname(dirname(ROW_WRITER)) : ROW_WRITER;

/** argv of a row writer: it may read the tenant's directory and its own program, and neither spawn nor load add-ons. */
export const rowWriterArguments = ({ database }: WriteTask): string[] => [
  "--permission",
  ...[PROGRAM, dirname(database), "/proc/self/fd"].map((path) => `--allow-fs-read=${path}`),
  ...["", "-wal", "-shm", "-journal"].map((suffix) => `--allow-fs-write=${database}${suffix}`),
  "--max-old-space-size=128",
  "--max-semi-space-size=4",
  "--disable-warning=SecurityWarning",
  ROW_WRITER,
];

/**
 * Runs one row writer to its end. Throws {@link RefusalError}; only by the code `outcome-unknown` may rows be written.
 * @param signal ends it, wherever it is
 */
export async function runRowWriter(
  task: WriteTask,
  signal: AbortSignal,
  limits: RowWriterLimits = ROW_WRITER_LIMITS,
): Promise<WriteAnswer> {
  const stop = new AbortController();
  const { process: child, ended } = startSandboxed(
    rowWriterArguments(task),
    ["pipe", "pipe", "pipe"],
    AbortSignal.any([signal, stop.signal]),
  );
  const { stdin, stdout, stderr } = child as ChildProcessWithoutNullStreams;
  // One that ends before it has read its task says so by its end.
  stdin.on("error", () => {});
  stdin.end(JSON.stringify(task));
  let stopped = "";
  const stopFor = (why: string) => {
    stopped ||= why;
    stop.abort();
  };
  const late = (milliseconds: number) =>
    setTimeout(() => stopFor(`It took longer than ${milliseconds / 1000} s.`), milliseconds);
  let clock = late(limits.openMilliseconds);
  const watch = setInterval(async () => {
    if ((await anonymousBytes(child.pid)) > limits.memoryBytes)
      stopFor(`It needed more than ${limits.memoryBytes} bytes of memory.`);
  }, WATCH_MILLISECONDS);
  let isCommitting = false;
  let result: Result | undefined;
  const hear = (word: Word) => {
    if (word.state === "committing") isCommitting = true;
    else {
      if (word.state !== "locked") result ??= word;
      clearTimeout(clock);
      clock = late(word.state === "locked" ? limits.holdMilliseconds : limits.openMilliseconds);
    }
  };
  try {
    const heard = listen(stdout, hear, stopFor);
    const [lastWords, end] = await Promise.all([lastWordsOf(stderr), ended, heard]);
    if (result) return answerOf(result);
    const why = stopped || `It ended without a result: ${`${end} ${lastWords}`.trim()}.`;
    throw new RefusalError(
      isCommitting ? "outcome-unknown" : "write-stopped",
      `The rows' writer stopped. ${why}`,
    );
  } finally {
    clearTimeout(clock);
    clearInterval(watch);
  }
}

/** What a row writer found; a refusal is thrown. */
function answerOf(result: Result): WriteAnswer {
  if (result.state === "done") return { written: result.written, already: result.already };
  const { code, message } = result;
  const { table, key } = result.row;
  const row = { ...(table !== undefined && { table }), ...(key && { key }) };
  throw new RefusalError(isRefusalCode(code) ? code : "write-stopped", message, row);
}

/** Follows what a row writer says to its end. What makes no sense stops it. */
async function listen(
  stream: Readable,
  hear: (word: Word) => void,
  stopFor: (why: string) => void,
): Promise<void> {
  for await (const word of wordsOf(stream, Word, "row writer", stopFor)) hear(word);
}
