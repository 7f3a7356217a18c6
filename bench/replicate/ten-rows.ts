import type { DatabaseSync } from "node:sqlite";
import { median, type Result, resultOf } from "../result.ts";
import { processorSecondsOf } from "./process-usage.ts";
import { type Replica, Source, type Sync } from "./replication.ts";
import type { Workbench } from "./workbench.ts";

const ROWS = 10;

/** What one sync of ten changed rows took. */
interface Taken extends Sync {
  /** Of agent and reader. */
  processor: number;
}

/** Ten rows changed in a large database: processor of agent and reader, bytes on the wire. */
export async function tenRows(bench: Workbench): Promise<Result[]> {
  await using source = await Source.start(bench, bench.source("wal"));
  const { application } = source;
  application.exec("PRAGMA wal_autocheckpoint = 0");
  await using replica = await source.replicate(bench);
  bench.progress("first load, not counted");
  await replica.firstSync();

  const inWal: Taken[] = [];
  const behindCheckpoint: Taken[] = [];
  // The first of each is not counted: whatever is made once and kept is made in it.
  for (let round = 0; round <= bench.rounds; round++) {
    change(application, 2 * round);
    const first = await taken(source, replica);
    change(application, 2 * round + 1);
    application.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const second = await taken(source, replica);
    bench.progress(
      `round ${round} of ${bench.rounds}: in the WAL ${text(first)}; behind a checkpoint ${text(second)}`,
    );
    if (round === 0) continue;
    inWal.push(first);
    behindCheckpoint.push(second);
  }
  return [...results("in the WAL", inWal), ...results("behind a checkpoint", behindCheckpoint)];
}

const text = ({ processor, bytes, seconds }: Taken): string =>
  `${processor.toFixed(2)} s of processor, ${(bytes / 1000).toFixed(1)} KB, ${seconds.toFixed(2)} s in all`;

/** Rewrites ten chats spread over the table as the application does when an answer has come: another ten every time. */
function change(application: DatabaseSync, turn: number): void {
  application
    .prepare(
      `UPDATE chat SET title = title || ' (' || ? || ')', updated_at = updated_at + 1
       WHERE rowid IN (SELECT rowid FROM chat WHERE rowid % max(1, (SELECT max(rowid) / ${ROWS} FROM chat)) = ? LIMIT ${ROWS})`,
    )
    .run(turn, turn);
}

async function taken(source: Source, replica: Replica): Promise<Taken> {
  const before = processorSecondsOf(source.agent.pid);
  const sync = await replica.sync();
  if (sync.status !== "success") throw new Error(`Ten rows were changed, and the sync says ${sync.status}.`);
  return { ...sync, processor: processorSecondsOf(source.agent.pid) - before };
}

const results = (where: string, rounds: Taken[]): Result[] => {
  const seconds = median(rounds.map(({ seconds }) => seconds)).toFixed(2);
  const rows = median(rounds.map(({ rows }) => rows));
  return [
    resultOf(
      {
        name: `${ROWS} rows changed, ${where}: processor`,
        ...{ unit: " s", target: 3 },
        detail: `agent and reader, aim 0.6; ${seconds} s from claim to commit, ${rows} rows sent`,
      },
      rounds.map(({ processor }) => processor),
    ),
    resultOf(
      {
        name: `${ROWS} rows changed, ${where}: wire`,
        ...{ unit: " KB", target: 100 },
        detail: "body of the answer",
      },
      rounds.map(({ bytes }) => bytes / 1000),
    ),
  ];
};
