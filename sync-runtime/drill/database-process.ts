import { dirname, extname } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { lastWordsOf, startSandboxed, wordsOf } from "../host/sandboxed-child.ts";

/** What a database holds, as its child added it up. */
export interface DatabaseSums {
  tables: Map<string, { rows: number; sum: string }>;
  /** What SQLite finds wrong; empty where it finds nothing. */
  damage: string[];
}

const Word = z.union([
  z.object({ table: z.string(), rows: z.int(), sum: z.string() }),
  z.object({ damage: z.array(z.string()).max(20) }),
]);

/** database.ts beside this file, or its bundle beside this one's; and what of the program it has to load. */
const EXTENSION = extname(import.meta.url);
const PROGRAM = fileURLToPath(
  new URL(EXTENSION === ".ts" ? "./database.ts" : "./drill-database.mjs", import.meta.url),
);
const LOADED = EXTENSION === ".ts" ? dirname(dirname(PROGRAM)) : PROGRAM;

/** No honest database of a tenant takes as long: 10 GB at 10 MB/s, read twice. */
const LIMIT_MS = 2_000_000;

/** The database could not be added up to its end; the message says what its child said last. */
export class DatabaseUnreadableError extends Error {
  override name = "DatabaseUnreadableError";
}

/** Adds a database's tables up in a child that may read its folder and nothing else. */
export async function databaseSums(path: string, signal?: AbortSignal): Promise<DatabaseSums> {
  const stop = new AbortController();
  const clock = setTimeout(() => stop.abort(), LIMIT_MS);
  const { process: child, ended } = startSandboxed(
    [
      "--permission",
      ...[LOADED, dirname(path)].map((readable) => `--allow-fs-read=${readable}`),
      ...["--max-old-space-size=128", "--disable-warning=SecurityWarning", PROGRAM, path],
    ],
    ["ignore", "pipe", "pipe"],
    signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
  );
  const tables: DatabaseSums["tables"] = new Map();
  let damage: string[] | undefined;
  const listen = async () => {
    for await (const word of wordsOf(child.stdout as Readable, Word, "child", () => stop.abort()))
      if ("damage" in word) damage = word.damage;
      else tables.set(word.table, { rows: word.rows, sum: word.sum });
  };
  try {
    const [, words, end] = await Promise.all([listen(), lastWordsOf(child.stderr as Readable), ended]);
    signal?.throwIfAborted();
    if (damage && end === "exit code 0") return { tables, damage };
    throw new DatabaseUnreadableError(lastWords(words) || end);
  } finally {
    clearTimeout(clock);
  }
}

/** The error's own line of what a child that broke has said. */
const lastWords = (words: string): string =>
  words
    .split("\n")
    .find((line) => /^\w*Error\b/.test(line))
    ?.slice(0, 300) ?? "";
