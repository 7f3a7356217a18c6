import { describe, expect, it } from "vitest";
import { Bandwidth, type Clock } from "../../../sync-runtime/agent/bandwidth.ts";

/** A clock that stands still but for what is waited for; the longest wait ends last. */
class TestClock implements Clock {
  time = 5_000;
  readonly #waits: { until: number; end: () => void }[] = [];

  now = () => this.time;
  wait = (milliseconds: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      this.#waits.push({ until: this.time + milliseconds, end: resolve });
      signal.addEventListener("abort", () => reject(signal.reason));
    });

  /** Ends the next wait that is over, until `done` resolves. */
  async runUntil<T>(done: Promise<T>): Promise<T> {
    let ended = false;
    const mark = () => {
      ended = true;
    };
    done.then(mark, mark);
    while (!ended) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      this.#waits.sort((a, b) => a.until - b.until);
      const next = this.#waits.shift();
      if (!next) continue;
      this.time = Math.max(this.time, next.until);
      next.end();
    }
    return done;
  }
}

async function* chunks(...sizes: number[]): AsyncGenerator<Buffer> {
  for (const size of sizes) yield Buffer.alloc(size, size % 251);
}

const never = new AbortController().signal;

describe("a bandwidth of 1 MB/s", () => {
  it("lets 3 MB through in the time of 3 MB, unchanged", async () => {
    const clock = new TestClock();
    const limited = new Bandwidth(1_000_000, clock).limit(chunks(1_400_000, 10, 1_599_990), never);
    const pieces = await clock.runUntil(Array.fromAsync(limited));
    expect(Buffer.concat(pieces)).toEqual(
      Buffer.concat(await Array.fromAsync(chunks(1_400_000, 10, 1_599_990))),
    );
    // The last piece leaves a tenth of a second before its time is over.
    expect(clock.time).toBeCloseTo(5_000 + 2_900, 0);
  });

  it("is shared by all answers, in turns", async () => {
    const clock = new TestClock();
    const bandwidth = new Bandwidth(1_000_000, clock);
    const order: string[] = [];
    const send = async (name: string) => {
      for await (const _ of bandwidth.limit(chunks(1_000_000), never)) order.push(name);
    };
    await clock.runUntil(Promise.all([send("a"), send("b")]));
    expect(clock.time).toBeCloseTo(5_000 + 1_900, 0);
    expect(order.slice(0, 6).sort()).toEqual(["a", "a", "a", "b", "b", "b"]);
  });

  it("does not save up what was not used", async () => {
    const clock = new TestClock();
    const bandwidth = new Bandwidth(1_000_000, clock);
    await clock.runUntil(Array.fromAsync(bandwidth.limit(chunks(100_000), never)));
    clock.time += 60_000;
    const began = clock.time;
    await clock.runUntil(Array.fromAsync(bandwidth.limit(chunks(1_000_000), never)));
    expect(clock.time - began).toBeCloseTo(900, 0);
  });

  it("stops waiting for an answer that nobody wants any more", async () => {
    const clock = new TestClock();
    const gone = new AbortController();
    const sent = Array.fromAsync(new Bandwidth(1_000_000, clock).limit(chunks(1_000_000), gone.signal));
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    gone.abort(new Error("the node went away"));
    await expect(sent).rejects.toThrow("the node went away");
  });
});

it("no bandwidth lets chunks through as they are", async () => {
  const clock = new TestClock();
  const sent = await Array.fromAsync(new Bandwidth(undefined, clock).limit(chunks(5_000_000, 7), never));
  expect(sent.map(({ length }) => length)).toEqual([5_000_000, 7]);
  expect(clock.time).toBe(5_000);
});
