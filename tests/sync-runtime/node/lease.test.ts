import { pino } from "pino";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Lease } from "../../../sync-runtime/node/lease.ts";
import { DEFAULT_TIMING } from "../../../sync-runtime/node/lease-timing.ts";
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
/** Called between two beats, with how long the pause is to be. */
let between: (ms: number) => void;
/** What Postgres says of another's lease: seconds until it expires. */
let free: number | null;

const LEASE_S = DEFAULT_TIMING.duration;

beforeEach(() => {
  answers = [];
  statements = [];
  now = 1_000_000;
  slowness = 0;
  free = null;
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
      return [{ epoch: epoch === null ? null : String(epoch), free_in: free }];
    },
  };
  const clock = { monotonic: () => now, pause: async (ms: number) => between(ms) };
  const log = pino({ enabled: false });
  return new Lease({
    cluster: "main",
    node: "a",
    run: "r",
    timing: DEFAULT_TIMING,
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

test("who follows asks again in the moment in which the lease expires, and sooner than a leader", async () => {
  answers = [null, null, null, null, 5];
  const pauses: number[] = [];
  const left = [2.5, 0.4, -0.1, null];
  free = left.shift() as number;
  between = (ms) => {
    pauses.push(ms);
    free = left.shift() ?? null;
  };
  await leaseOf().run(stop.signal);
  expect(pauses.slice(0, 4)).toEqual([750, 405, 5, 750]);
});

describe("a write that was refused under a lease", () => {
  const fenced = async () => (await metrics.fenced.get()).values;

  test("is counted, and its leader leads no more", async () => {
    answers = [4, 4];
    const lease = leaseOf();
    const seen: unknown[] = [];
    between = () => {
      lease.refused(4, "schedule-jobs");
      seen.push(lease.epoch);
    };
    await lease.run(stop.signal);
    expect(seen[0]).toBeUndefined();
    expect(await fenced()).toMatchObject([{ labels: { guard: "lease" }, value: 2 }]);
    expect(await elections()).toEqual({ won: 2, lost: 2 });
  });

  test("of an epoch before says nothing about the one that is held", async () => {
    answers = [5, 5];
    const lease = leaseOf();
    const seen: unknown[] = [];
    between = () => {
      lease.refused(4, "schedule-jobs");
      seen.push(lease.epoch);
    };
    await lease.run(stop.signal);
    expect(seen[0]).toBe(5);
    expect(await fenced()).toMatchObject([{ value: 2 }]);
  });
});

test("whoever waits to lead hears of it at once", async () => {
  answers = [null, 4, 4];
  const lease = leaseOf();
  let rung = 0;
  const bell = vi.spyOn(lease.taken, "ring").mockImplementation(() => void rung++);
  await lease.run(stop.signal);
  expect(rung).toBe(1);
  bell.mockRestore();
});
