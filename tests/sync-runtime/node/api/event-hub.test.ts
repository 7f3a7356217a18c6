import type { Readable } from "node:stream";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventHub, MOST_LISTENERS } from "../../../../sync-runtime/node/api/event-hub.ts";
import { micros } from "../../../../sync-runtime/node/api/event-view.ts";

/** What Postgres answers next; `asked` is what it was asked since when. */
let recent: Record<string, unknown>;
let asked: (Date | null)[];
/** Ends the pause of every loop that pauses. */
let tick: () => Promise<void>;
let hub: EventHub;
/** What listeners had been told each time that the hub was about to tell more. */
let before: string[];
let told: () => string;
/** Waits for what comes within the same process, in no time. */
const soon = (look: () => unknown) => vi.waitUntil(look, { interval: 1, timeout: 20_000 });
const LATER = Date.now() + 600_000;

const moment = (second: number) => `2026-01-01T00:00:0${second}.000001+00:00`;
const ended = (job: string, second: number) => ({
  ...{ name: "job-ended", key: job, at: moment(second) },
  data: { job, client: "acme", status: "success" },
});

beforeEach(() => {
  asked = [];
  recent = { now: String(micros(moment(1))), events: [], running: [], held: [] };
  let resume: (() => void)[] = [];
  const postgres = {
    rows: async (_: string, [since]: unknown[] = []) => {
      asked.push(since as Date | null);
      return [recent];
    },
  };
  const pause = (_: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      resume.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  tick = async () => {
    await soon(() => resume.length > 0);
    const those = resume;
    resume = [];
    for (const one of those) one();
    await soon(() => resume.length > 0);
  };
  before = [];
  told = () => "";
  hub = new EventHub({ postgres, clock: { monotonic: () => 0, pause }, log: pino({ enabled: false }) }, () =>
    before.push(told()),
  );
});
afterEach(() => hub.close());

/** What a listener read so far. */
function reading(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk) => (text += chunk));
  return () => text;
}
const names = (text: string) => [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);

describe("listening", () => {
  test("asks Postgres once for all listeners, and not at all without", async () => {
    expect(asked).toEqual([]);
    const streams = [await hub.listen(undefined, LATER), await hub.listen(undefined, LATER)];
    await tick();
    const before = asked.length;
    await tick();
    expect(asked.length).toBe(before + 1);
    for (const stream of streams) stream.destroy();
    await soon(() => hub.listeners === 0);
    const last = asked.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked.length).toBe(last);
  });

  test("tells what ends once, though each look reaches back", async () => {
    const text = reading(await hub.listen(undefined, LATER));
    await tick();
    recent = { ...recent, now: String(micros(moment(3))), events: [ended("7", 2)] };
    await tick();
    await tick();
    await soon(() => names(text()).length > 0);
    expect(names(text())).toEqual(["job-ended"]);
    expect(text()).toContain(`id: ${micros(moment(2))}\n`);
    expect(text()).toContain('"client":"acme"');
  });

  test("says so before it tells anything, and not when there is nothing", async () => {
    told = reading(await hub.listen(undefined, LATER));
    await tick();
    await tick();
    expect(before).toEqual([]);
    recent = { ...recent, now: String(micros(moment(3))), events: [ended("7", 2)] };
    await tick();
    await soon(() => names(told()).length > 0);
    expect(before.map(names)).toEqual([[]]);
    told = () => "";
    told = reading(await hub.listen(micros(moment(0)), LATER));
    await soon(() => names(told()).length > 0);
    expect(before.map(names)).toEqual([[], []]);
  });

  test("tells nothing of what was before, unless asked from an event on", async () => {
    recent = { ...recent, events: [ended("7", 0), ended("8", 1)] };
    const text = reading(await hub.listen(undefined, LATER));
    const resumed = reading(await hub.listen(micros(moment(0)), LATER));
    await tick();
    await tick();
    expect(names(text())).toEqual([]);
    expect(names(resumed())).toEqual(["job-ended"]);
    expect(resumed()).toContain('"job":"8"');
  });

  test("tells of progress only where there is some", async () => {
    const text = reading(await hub.listen(undefined, LATER));
    await tick();
    const job = (rows: number) => [{ job: "7", client: "acme", progress: { rows } }];
    for (const rows of [1, 1, 2]) {
      recent = { ...recent, running: job(rows) };
      await tick();
    }
    await soon(() => names(text()).length >= 2);
    expect(names(text())).toEqual(["job-began", "job-progress"]);
  });

  test("tells when a hold begins and when it ends", async () => {
    const text = reading(await hub.listen(undefined, LATER));
    await tick();
    for (const held of [[{ client: "acme", id: "1" }], []]) {
      recent = { ...recent, held };
      await tick();
    }
    await soon(() => names(text()).length >= 2);
    expect(names(text())).toEqual(["hold-began", "hold-ended"]);
  });

  test("is kept alive by a comment every fifteen looks", async () => {
    const text = reading(await hub.listen(undefined, LATER));
    for (let nth = 0; nth < 16; nth += 1) await tick();
    await soon(() => text().includes(": still here"));
    expect(text().match(/: still here/g)).toHaveLength(1);
  });

  test("ends with the token", async () => {
    const stream = await hub.listen(undefined, Date.now() + 10);
    stream.resume();
    await soon(() => stream.readableEnded);
    await soon(() => hub.listeners === 0);
  });

  test("is refused beyond a number of listeners", async () => {
    for (let nth = 0; nth < MOST_LISTENERS; nth += 1) await hub.listen(undefined, LATER);
    await expect(hub.listen(undefined, LATER)).rejects.toMatchObject({ kind: "too-many-listeners" });
  });

  test("ends for whoever does not read, and goes on for others", async () => {
    const slow = await hub.listen(undefined, LATER);
    const text = reading(await hub.listen(undefined, LATER));
    await tick();
    for (let nth = 0; nth < 8; nth += 1) {
      const job = { job: "7", client: "acme", progress: { nth, much: "x".repeat(100_000) } };
      recent = { ...recent, running: [job] };
      await tick();
    }
    expect(slow.destroyed).toBe(true);
    await soon(() => names(text()).length === 8);
  });
});
