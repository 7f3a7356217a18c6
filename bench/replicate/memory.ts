import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { type Result, resultOf } from "../result.ts";
import { type Memory, MemoryWatch, memoryNow } from "./process-usage.ts";
import { Source } from "./replication.ts";
import type { Workbench } from "./workbench.ts";

/** What the processes rest for before their idle memory is looked at. */
const REST_MS = 5_000;
const LARGE_ROW_BYTES = 36_000_000;
const SMALL_MEGABYTES = 20;
const MB = 1e6;

interface Measured {
  idle: Memory;
  peak: Memory;
}

/** Memory of agent, reader and node while they load a large database, and one with a row of 36 MB. */
export async function memory(bench: Workbench): Promise<Result[]> {
  const large = await measured(bench, bench.source("wal"), `${bench.megabytes} MB`);
  const row = await measured(bench, withLargeRow(bench), "a row of 36 MB");
  return [...results(large, `${bench.megabytes} MB`), ...results(row, "with a row of 36 MB")];
}

/** First load, ten rows and nothing, in every round by new processes. */
async function measured(bench: Workbench, database: string, what: string): Promise<Measured[]> {
  const rounds: Measured[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    await using source = await Source.start(bench, database);
    source.application.exec("SELECT 1");
    await using replica = await source.replicate(bench);
    using watch = new MemoryWatch(source.agent.pid, replica.node.pid);
    await replica.firstSync();
    source.application.exec("UPDATE chat SET updated_at = updated_at + 1 WHERE rowid % 100 = 1");
    await replica.sync();
    await pause(REST_MS);
    const idle = memoryNow(source.agent.pid, replica.node.pid);
    rounds.push({ idle, peak: watch.peak });
    const megabytes = (memory: Memory) =>
      Object.entries(memory)
        .map(([part, bytes]) => `${part} ${(bytes / MB).toFixed(0)}`)
        .join(", ");
    bench.progress(
      `memory, ${what}, round ${round + 1} of ${bench.rounds}: idle MB: ${megabytes(idle)}; peak MB: ${megabytes(watch.peak)}`,
    );
  }
  return rounds;
}

/** A small database with one chat of 36 MB. */
function withLargeRow(bench: Workbench): string {
  const path = join(bench.folder, "large-row.db");
  copyFileSync(bench.source("wal", Math.min(SMALL_MEGABYTES, bench.megabytes)), path);
  using database = new DatabaseSync(path);
  const text = "Ein langes Gespräch. ".repeat(64);
  const content = Array.from(
    { length: Math.ceil(LARGE_ROW_BYTES / text.length) },
    (_, turn) => `${turn} ${text}`,
  );
  const chat = JSON.stringify({ messages: content }).slice(0, LARGE_ROW_BYTES);
  database
    .prepare("UPDATE chat SET chat = ? WHERE rowid = (SELECT min(rowid) FROM chat)")
    .run(`${chat.slice(0, chat.lastIndexOf('","'))}"]}`);
  return path;
}

function results(rounds: Measured[], where: string): Result[] {
  const line = (name: string, target: number, of: (measured: Measured) => number, detail: string) =>
    resultOf(
      { name: `memory, ${where}: ${name}`, unit: " MB", target, detail },
      rounds.map((round) => of(round) / MB),
    );
  const peak = (part: keyof Memory) => Math.max(...rounds.map((round) => round.peak[part] / MB)).toFixed(0);
  return [
    line("agent idle", 60, ({ idle }) => idle.agent, "RssAnon after a sync, no reader running"),
    line(
      "agent peak",
      150,
      ({ peak }) => peak.host,
      `with its reader; highest apart: agent ${peak("agent")} MB, reader ${peak("reader")} MB`,
    ),
    line("node idle", 100, ({ idle }) => idle.node, "RssAnon after a sync"),
    line("node peak", 200, ({ peak }) => peak.node, "RssAnon"),
  ];
}
