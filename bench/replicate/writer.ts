import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { median, percentile, type Result, resultOf } from "../result.ts";
import { type Replica, Source } from "./replication.ts";
import type { Journal, Workbench } from "./workbench.ts";

const WRITER = new URL("commit-writer.ts", import.meta.url).pathname;
const PAUSE_MS = 10;
const WINDOW_MS = 15_000;
/** Up to here a stall of 250 ms is allowed, above one of a millisecond per megabyte. */
const SMALL_MEGABYTES = 100;
const SMALL_STALL_MS = 250;

/** What the application notices of a sync: how much longer its commits take. */
export async function writer(bench: Workbench): Promise<Result[]> {
  const wal = await beside(bench, "wal", bench.megabytes);
  const sizes = [...new Set([Math.min(SMALL_MEGABYTES, bench.megabytes), bench.megabytes])];
  const results = [walResult(wal)];
  for (const megabytes of sizes)
    results.push(rollbackResult(await beside(bench, "rollback", megabytes), megabytes));
  return results;
}

/** Milliseconds of commits in one round. */
interface Round {
  alone: number[];
  beside: number[];
  /** Syncs that were finished meanwhile. */
  syncs: number;
}

/** A writer alone and beside syncs that follow one another, by turns. */
async function beside(bench: Workbench, journal: Journal, megabytes: number): Promise<Round[]> {
  await using source = await Source.start(bench, bench.source(journal, megabytes));
  await using replica = await source.replicate(bench);
  const what = `${megabytes} MB, ${journal === "wal" ? "WAL" : "rollback journal"}`;
  bench.progress(`a writer beside syncs, ${what}: first load, not counted`);
  await replica.firstSync();
  const rounds: Round[] = [];
  for (let round = 0; round < bench.rounds; round++) {
    const alone = (await writeDuring(source.path, () => pause(WINDOW_MS))).milliseconds;
    const { milliseconds, result: syncs } = await writeDuring(source.path, () => syncFor(replica, WINDOW_MS));
    rounds.push({ alone, beside: milliseconds, syncs });
    const figures = (values: number[]) =>
      `${values.length} commits, p99 ${percentile(values, 0.99).toFixed(1)} ms, longest ${Math.max(...values).toFixed(1)} ms`;
    bench.progress(
      `round ${round + 1} of ${bench.rounds}: alone ${figures(alone)}; beside ${syncs} syncs ${figures(milliseconds)}`,
    );
  }
  return rounds;
}

/** Syncs one after another for some time, and until at least one is finished; gives their number. */
async function syncFor(replica: Replica, milliseconds: number): Promise<number> {
  const until = performance.now() + milliseconds;
  let syncs = 0;
  do {
    await replica.sync();
    syncs++;
  } while (performance.now() < until);
  return syncs;
}

/** Has a process of its own write while something is done. */
async function writeDuring<T>(
  path: string,
  doing: () => Promise<T>,
): Promise<{ milliseconds: number[]; result: T }> {
  const child = spawn(process.execPath, [WRITER, path, String(PAUSE_MS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const said = text(child.stdout);
  const closed = once(child, "close");
  try {
    const result = await doing();
    child.stdin.end();
    await closed;
    if (child.exitCode !== 0) throw new Error(`The writer ended with exit code ${child.exitCode}.`);
    return { milliseconds: JSON.parse(await said), result };
  } finally {
    child.kill("SIGKILL");
  }
}

const p99 = (values: number[]): number => percentile(values, 0.99);
const longest = (values: number[]): number => Math.max(...values);

function walResult(rounds: Round[]): Result {
  const [alone, together] = (["alone", "beside"] as const).map((when) =>
    median(rounds.map((round) => p99(round[when]))).toFixed(2),
  );
  return resultOf(
    {
      name: "writer beside syncs, WAL: p99 of a commit",
      ...{ unit: " ms", target: 10 },
      detail: `above alone; alone ${alone} ms, beside ${together} ms; ${rounds[0]?.syncs} syncs in ${WINDOW_MS / 1000} s`,
    },
    rounds.map((round) => p99(round.beside) - p99(round.alone)),
  );
}

function rollbackResult(rounds: Round[], megabytes: number): Result {
  const alone = median(rounds.map((round) => longest(round.alone))).toFixed(1);
  return resultOf(
    {
      name: `writer beside syncs, rollback journal, ${megabytes} MB: longest commit`,
      ...{ unit: " ms", target: allowedStall(megabytes) },
      detail: `alone ${alone} ms; ${rounds[0]?.syncs} syncs in ${WINDOW_MS / 1000} s`,
    },
    rounds.map((round) => longest(round.beside)),
  );
}

/** Milliseconds that a commit may wait for a sync of a database in rollback-journal mode. */
export const allowedStall = (megabytes: number): number =>
  megabytes <= SMALL_MEGABYTES ? SMALL_STALL_MS : Math.max(SMALL_STALL_MS, megabytes);
