import { expect, test } from "vitest";
import { Progress, type ProgressState } from "../../../sync-runtime/node/progress.ts";

const work = (table: string, rows: number, bytes: number) => ({
  table,
  whole: true,
  rows,
  removed: 0,
  bytes,
});

/** A progress whose states are collected as they are written. */
function recorded(failures = 0) {
  const states: ProgressState[] = [];
  const progress = new Progress(async (state) => {
    if (failures-- > 0) throw new Error("Postgres is away");
    states.push(structuredClone(state));
  });
  return { progress, states };
}

/** Pauses until the test says that a second is over. */
function steppedClock() {
  const waiting: (() => void)[] = [];
  return {
    monotonic: () => 0,
    pause: (_: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
    async second() {
      waiting.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

test("what came is added up table by table, beside what is to come", async () => {
  const { progress, states } = recorded();
  progress.begin([work("chat", 10, 1000), work("user", 2, 50)]);
  progress.rows("chat", 4, 380);
  progress.rows("chat", 6, 640);
  progress.rows("user", 1, 25);
  await progress.flush();
  expect(states).toEqual([
    {
      tables: [
        { table: "chat", rows: 10, rows_total: 10, bytes: 1020, bytes_total: 1000 },
        { table: "user", rows: 1, rows_total: 2, bytes: 25, bytes_total: 50 },
      ],
    },
  ]);
});

test("rows of a table that was not announced are nobody's progress", async () => {
  const { progress, states } = recorded();
  progress.begin([work("chat", 1, 1)]);
  progress.rows("other", 1, 1);
  await progress.flush();
  expect(states[0]?.tables).toMatchObject([{ table: "chat", rows: 0 }]);
});

test("it is written once a second, and only when something came", async () => {
  const { progress, states } = recorded();
  const clock = steppedClock();
  const ended = new AbortController();
  const keeping = progress.keep(clock, ended.signal);
  await clock.second();
  expect(states).toHaveLength(0);
  progress.begin([work("chat", 9, 9)]);
  progress.rows("chat", 1, 1);
  progress.rows("chat", 1, 1);
  await clock.second();
  await clock.second();
  expect(states).toHaveLength(1);
  progress.rows("chat", 1, 1);
  await clock.second();
  expect(states.map(({ tables }) => tables[0]?.rows)).toEqual([2, 3]);
  ended.abort();
  await keeping;
});

test("a state that could not be written is written with the next one", async () => {
  const { progress, states } = recorded(1);
  progress.begin([work("chat", 1, 1)]);
  await progress.flush();
  expect(states).toEqual([]);
  await progress.flush();
  expect(states).toHaveLength(1);
});
