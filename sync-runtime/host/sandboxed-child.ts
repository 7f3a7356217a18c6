import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import type * as z from "zod";
import { FAULT_VARIABLE } from "../fault-point.ts";
import { endOf } from "./child-end.ts";

/** What is kept of a child's last words: it may be in a hostile file's hands. */
const MAX_LAST_WORDS = 16 * 1024;
/** Of one word; a manifest of 1000 tables with the longest names takes 0.5 MB. */
const MAX_WORD = 1024 * 1024;

/** A child that opens what a tenant may have forged. */
export interface SandboxedChild {
  process: ChildProcess;
  /** How it ended, in words: a signal's name, or its exit code. */
  ended: Promise<string>;
}

/**
 * Starts Node as a child that inherits nothing: no environment but a test's fault, no working directory.
 * @param args of Node: its permissions and limits, the program, what that is told
 * @param signal kills it
 */
export function startSandboxed(args: string[], stdio: StdioOptions, signal: AbortSignal): SandboxedChild {
  const fault = process.env[FAULT_VARIABLE];
  const child = spawn(process.execPath, args, {
    ...{ cwd: "/", stdio, signal, killSignal: "SIGKILL" },
    env: fault === undefined ? {} : { [FAULT_VARIABLE]: fault },
  });
  return { process: child, ended: endOf(child) };
}

/**
 * argv of a child that reads a tenant's database: it may read that one's directory and its own program, write its copy of
 * the database, and neither spawn nor load add-ons.
 * @param program the file to run
 * @param loaded the file or folder that holds whatever it loads
 * @param heap megabytes that its old objects may take
 * @param task is told to it
 */
export function copyingArguments(
  program: string,
  loaded: string,
  heap: number,
  task: { database: string; copyPath: string },
): string[] {
  const copy = ["", "-wal", "-journal"].map((suffix) => task.copyPath + suffix);
  const readable = [loaded, dirname(task.database), ...copy, "/proc/self/fd"];
  return [
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...copy.map((path) => `--allow-fs-write=${path}`),
    `--max-old-space-size=${heap}`,
    "--max-semi-space-size=2",
    "--disable-warning=SecurityWarning",
    program,
    JSON.stringify(task),
  ];
}

/**
 * What a child says, a word a line, until its end or until nobody listens any more.
 * @param speaker what it is, for complaints
 * @param complain is told of what makes no sense, which is passed over
 */
export async function* wordsOf<Word>(
  stream: Readable,
  schema: z.ZodType<Word>,
  speaker: string,
  complain: (why: string) => void,
): AsyncGenerator<Word> {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      const word = parsed(line, schema);
      if (word === undefined) complain(`The ${speaker} said what no ${speaker} says.`);
      else yield word;
    }
    if (rest.length > MAX_WORD) complain(`The ${speaker} said more than any ${speaker} has to say.`);
  }
}

function parsed<Word>(line: string, schema: z.ZodType<Word>): Word | undefined {
  try {
    return schema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The beginning of what a child writes; the rest is read and dropped. */
export async function lastWordsOf(stream: Readable): Promise<string> {
  let words = "";
  for await (const chunk of stream) if (words.length < MAX_LAST_WORDS) words += chunk;
  return words;
}
