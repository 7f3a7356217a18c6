import { pino } from "pino";
import { beforeEach, expect, test } from "vitest";
import { LEASE_S, Lease } from "../../../sync-runtime/node/lease.ts";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../sync-runtime/node/node-context.ts";

/** What each beat in turn is answered: an epoch, null (another leads), or nothing (Postgres is away). */
let answers: (number | null | "away")[];
let statements: string[];
let now: number;
let metrics: Metrics;
let stop: AbortController;
/** Milliseconds that an answer takes. */
let slowness: number;
/** Called between two beats. */
let between: () => void;

beforeEach(() => {
  answers = [];
  statements = [];
  now = 1_000_000;
  slowness = 0;
  metrics = new Metrics();
  stop = new AbortController();
  between = () => {};
});

/** A lease that beats until the answers are used up. */
function leaseOf(): Lease {
  const postgres = {
    rows: async (name: string) => {
      statements.push(name);
      if (name !== "beat") return [];
      now += slowness;
      const epoch = answers.shift();
      if (answers.length === 0) stop.abort();
      if (epoch === "away") throw new Error("away");
      return [{ epoch: epoch === null ? null : String(epoch) }];
    },
  };
  const clock = { monotonic: () => now, pause: async () => between() };
  const log = pino({ enabled: false });
  return new Lease({
    cluster: "main",
    node: "a",
    run: "r",
    postgres,
    clock,
    metrics,
    log,
  } as unknown as NodeContext);
}

const elections = async () =>
  Object.fromEntries(
    (await metrics.elections.get()).values.map(({ labels, value }) => [labels.result, value]),
  );

test("a node leads under the epoch it was given", async () => {
  answers = [null, 4, 4];
  const lease = leaseOf();
  const seen: unknown[] = [];
  between = () => seen.push(lease.epoch);
  await lease.run(stop.signal);
  expect(seen.slice(0, 2)).toEqual([undefined, 4]);
  expect(await elections()).toEqual({ won: 1, lost: 1 });
});

test("it stops leading by itself when no beat gets through, before another node can begin", async () => {
  answers = [4, "away", "away", "away", 5];
  const lease = leaseOf();
  const led: [number, unknown][] = [];
  between = () => {
    now += 1_000;
    led.push([(now - 1_000_000) / 1_000, lease.epoch]);
  };
  await lease.run(stop.signal);
  expect(led.slice(0, 4)).toEqual([
    [1, 4],
    [2, 4],
    [LEASE_S, undefined],
    [4, undefined],
  ]);
  expect(await elections()).toEqual({ won: 2, lost: 2 });
});

test("the lease counts from before the beat was sent, however slow the answer is", async () => {
  answers = [4, 4, 4];
  slowness = LEASE_S * 1_000;
  const lease = leaseOf();
  const seen: unknown[] = [];
  between = () => seen.push(lease.epoch);
  await lease.run(stop.signal);
  expect(seen).toEqual([undefined, undefined, undefined]);
});

test("at its end a leader hands over, a follower does not touch the lease", async () => {
  answers = [4];
  await leaseOf().run(stop.signal);
  expect(statements).toEqual(["beat", "release-lease"]);
  statements = [];
  stop = new AbortController();
  answers = [null];
  await leaseOf().run(stop.signal);
  expect(statements).toEqual(["beat"]);
});
