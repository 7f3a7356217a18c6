import fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { SyncDurations } from "../../../sync-runtime/node/sync-durations.ts";

const textOf = (durations: SyncDurations) => [...durations.text()].join("");
/** What prom-client tells of the same syncs. */
async function expected(syncs: readonly (readonly [string, number])[]): Promise<string> {
  const registry = new Registry();
  const { name, help } = SyncDurations.told;
  const buckets = [1, 5, 10, 30, 60, 120, 300, 600];
  const histogram = new Histogram({ name, help, labelNames: ["client"], buckets, registers: [registry] });
  for (const [client, seconds] of syncs) histogram.observe({ client }, seconds);
  return registry.metrics();
}

test("it tells what prom-client's own histogram would, byte for byte", async () => {
  const client = fc.integer({ min: 0, max: 50 }).map((nth) => `tenant-${nth}`);
  const seconds = fc.oneof(
    fc.constantFrom(0, 1, 5, 10, 30, 60, 120, 300, 600),
    fc.double({ min: 0, max: 1000, noNaN: true }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(client, seconds), { minLength: 1, maxLength: 200 }), async (syncs) => {
      const durations = new SyncDurations();
      for (const [client, seconds] of syncs) durations.observe(client, seconds);
      expect(textOf(durations)).toBe(await expected(syncs));
    }),
  );
});

test("a bound is within its bucket, and what takes longer than all of them is counted", () => {
  const durations = new SyncDurations();
  for (const seconds of [1, 600, 601]) durations.observe("acme", seconds);
  const text = textOf(durations);
  for (const [bound, syncs] of Object.entries({ 1: 1, 300: 1, 600: 2, "+Inf": 3 }))
    expect(text).toContain(`\nsync_duration_seconds_bucket{le="${bound}",client="acme"} ${syncs}\n`);
  expect(text).toContain('\nsync_duration_seconds_sum{client="acme"} 1202\n');
  expect(text).toContain('\nsync_duration_seconds_count{client="acme"} 3\n');
});

test("every tenant keeps its own numbers, however many come", () => {
  const durations = new SyncDurations();
  for (let round = 0; round < 2; round++)
    for (let nth = 0; nth < 1000; nth++) durations.observe(`tenant-${nth}`, nth);
  const text = textOf(durations);
  for (const nth of [0, 15, 16, 17, 999])
    expect(text).toContain(`\nsync_duration_seconds_sum{client="tenant-${nth}"} ${2 * nth}\n`);
  expect(text.match(/_count\{client="tenant-\d+"\} 2$/gm)).toHaveLength(1000);
});

test("nothing counted yet is a head alone", () => {
  expect(textOf(new SyncDurations())).toBe(
    "# HELP sync_duration_seconds How long a sync took from claim to commit or failure\n# TYPE sync_duration_seconds histogram\n",
  );
});
