import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { expect, test } from "vitest";
import { Garbage } from "../../../sync-runtime/node/garbage.ts";

const log = pino({ level: "silent" });

test("what nothing refers to any more is collected within a minute, and again a minute later", async () => {
  const stop = new AbortController();
  const pauses: number[] = [];
  const held = () => new WeakRef(new Array(1_000).fill(0));
  let first = held();
  const seen: unknown[] = [];
  const clock = {
    monotonic: () => 0,
    pause: async (ms: number) => {
      pauses.push(ms);
      // A weak reference is kept until the turn ends in which it was made.
      await turn();
      seen.push(first.deref());
      if (pauses.length === 3) stop.abort();
      first = held();
      await turn();
    },
  };
  await new Garbage({ clock, log }).run(stop.signal);
  expect(pauses).toEqual([60_000, 60_000, 60_000]);
  // The first was made in the turn of the first collection.
  expect(seen.slice(1)).toEqual([undefined, undefined]);
});
