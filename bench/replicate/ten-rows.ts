import type { DatabaseSync } from "node:sqlite";
import { median, type Result, resultOf } from "../result.ts";
import { processorSecondsOf } from "./process-usage.ts";
import { type Replica, Source, type Sync } from "./replication.ts";
import type { Workbench } from "./workbench.ts";

/** Ten rows changed in one of the ways that an application changes them. */
interface Way {
  name: string;
  change(application: DatabaseSync, turn: number): void;
}

const IN_WAL: Way = { name: "in the WAL", change: saveAnswers };
const BEHIND_CHECKPOINT: Way = {
  name: "behind a checkpoint",
  change(application, turn) {
    saveAnswers(application, turn);
    application.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  },
};
const CHATS: Way = {
  name: "ten whole chats",
  change: (application, turn) => saveChats(application, turn, 10),
};

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

  const ways = [IN_WAL, BEHIND_CHECKPOINT, CHATS].map((way) => ({ ...way, taken: [] as Taken[] }));
  // The first of each is not counted: whatever is made once and kept is made in it.
  for (let round = 0; round <= bench.rounds; round++) {
    for (const [place, way] of ways.entries()) {
      way.change(application, round * ways.length + place);
      const one = await taken(source, replica);
      if (round > 0) way.taken.push(one);
    }
    if (round > 0) {
      const figures = ways.map(({ name, taken }) => `${name} ${text(taken.at(-1) as Taken)}`);
      bench.progress(`round ${round} of ${bench.rounds}: ${figures.join("; ")}`);
    }
  }
  return ways.flatMap(({ name, taken }) => results(name, taken));
}

const text = ({ processor, bytes, seconds }: Taken): string =>
  `${processor.toFixed(2)} s of processor, ${(bytes / 1000).toFixed(1)} KB, ${seconds.toFixed(2)} s in all`;

/** Rewrites chats spread over the table; others every time. */
function saveChats(application: DatabaseSync, turn: number, count: number): void {
  const { changes } = application
    .prepare(
      `UPDATE chat SET updated_at = coalesce(updated_at, 0) + 1 WHERE rowid IN
         (SELECT rowid FROM chat WHERE rowid % (SELECT count(*) / ? FROM chat) = ? LIMIT ?)`,
    )
    .run(count, turn, count);
  if (changes !== count) throw new Error(`${changes} chats were changed; ${count} were to be.`);
}

/** Five answers have come: the application rewrites five chats, and of each a message. */
function saveAnswers(application: DatabaseSync, turn: number): void {
  saveChats(application, turn, 5);
  const { changes } = application
    .prepare(
      `UPDATE chat_message SET updated_at = coalesce(updated_at, 0) + 1 WHERE rowid IN (
         SELECT (SELECT max(m.rowid) FROM chat_message AS m WHERE m.chat_id = c.id) FROM chat AS c
         WHERE c.rowid % (SELECT count(*) / 5 FROM chat) = ? LIMIT 5)`,
    )
    .run(turn);
  if (changes !== 5) throw new Error(`${changes} messages were changed; 5 were to be.`);
}

async function taken(source: Source, replica: Replica): Promise<Taken> {
  const before = processorSecondsOf(source.agent.pid);
  const sync = await replica.sync();
  if (sync.status !== "success" || sync.rows !== 10)
    throw new Error(`Ten rows were changed, and the sync says ${sync.status} with ${sync.rows} rows.`);
  return { ...sync, processor: processorSecondsOf(source.agent.pid) - before };
}

function results(way: string, rounds: Taken[]): Result[] {
  const seconds = median(rounds.map(({ seconds }) => seconds)).toFixed(2);
  return [
    resultOf(
      {
        name: `10 rows changed, ${way}: processor`,
        ...{ unit: " s", target: 3 },
        detail: `agent and reader, aim 0.6; ${seconds} s from claim to commit`,
      },
      rounds.map(({ processor }) => processor),
    ),
    resultOf(
      { name: `10 rows changed, ${way}: wire`, unit: " KB", target: 100, detail: "body of the answer" },
      rounds.map(({ bytes }) => bytes / 1000),
    ),
  ];
}
