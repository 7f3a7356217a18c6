import { beforeEach, describe, expect, test } from "vitest";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import { StateCache, TTL_MS } from "../../../sync-runtime/node/state-cache.ts";

const row = (client: string, status = "active") => ({
  ...{
    client,
    host: "local",
    url: "http://x",
    interval: 60,
    status,
    declared_paused: false,
    live_database: null,
  },
  ...{ verified: true, since: new Date(0), by: "sync", reason: "" },
});

/** What the database holds, how often it was asked, and what holds an answer back. */
let held: Map<string, ReturnType<typeof row>>;
let asked: number;
let gate: Promise<void>;
let now: number;
let metrics: Metrics;
let cache: StateCache;

beforeEach(() => {
  held = new Map([
    ["acme", row("acme")],
    ["globex", row("globex")],
  ]);
  asked = 0;
  gate = Promise.resolve();
  now = 0;
  metrics = new Metrics();
  const postgres = {
    rows: async (_: string, [id]: unknown[]) => {
      asked += 1;
      const rows = [...held.values()].filter(({ client }) => id === null || client === id);
      await gate;
      return rows;
    },
  };
  const clock = { monotonic: () => now, pause: async () => {} };
  cache = new StateCache({ postgres, clock, metrics } as never);
});

const status = async (id = "acme") => (await cache.deployment(id))?.status;
const counter = async (name: string) =>
  (await metrics.registry.getSingleMetric(name)?.get())?.values[0]?.value;
const event = (id: string, subject: string) => ({ id, kind: "deployment" as const, subject });

describe("what was read", () => {
  test("is kept for five minutes, and counted as hits and misses", async () => {
    for (const at of [0, 1, TTL_MS - 1]) {
      now = at;
      expect(await status()).toBe("active");
    }
    expect(asked).toBe(1);
    now = TTL_MS;
    held.set("acme", row("acme", "paused"));
    expect(await status()).toBe("paused");
    expect([await counter("state_cache_hits_total"), await counter("state_cache_misses_total")]).toEqual([
      2, 2,
    ]);
  });

  test("counts from when it was asked for, not from when it came", async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const slow = status();
    now = TTL_MS - 1;
    open();
    await slow;
    now = TTL_MS;
    await status();
    expect(asked).toBe(2);
  });

  test("is forgotten by an event, with the list it is in, and nobody else's is", async () => {
    await Promise.all([status("acme"), status("globex"), cache.deployments()]);
    held.set("acme", row("acme", "paused"));
    cache.hear([event("1", "acme")]);
    expect(await status("acme")).toBe("paused");
    expect((await cache.deployments()).map((each) => each.status)).toEqual(["paused", "active"]);
    asked = 0;
    await status("globex");
    expect(asked).toBe(0);
  });

  test("is forgotten once, however often a beat brings the same event", async () => {
    cache.hear([event("1", "acme")]);
    await status();
    cache.hear([event("1", "acme")]);
    await status();
    expect(asked).toBe(1);
    cache.hear([]);
    cache.hear([event("2", "acme")]);
    await status();
    expect(asked).toBe(2);
  });

  test("of nobody is not kept", async () => {
    expect(await status("nobody")).toBeUndefined();
    held.set("nobody", row("nobody"));
    expect(await status("nobody")).toBe("active");
  });
});

describe("what is read while something changes", () => {
  test("is not kept: it may be from before", async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = status();
    held.set("acme", row("acme", "paused"));
    cache.forget("deployment", "acme");
    open();
    expect(await early).toBe("active");
    expect(await status()).toBe("paused");
  });
});

describe("a node that missed a beat", () => {
  test("keeps nothing behind the next one: what the lost answer brought is not known", async () => {
    await status();
    held.set("acme", row("acme", "paused"));
    cache.miss();
    expect(await status()).toBe("active");
    cache.hear([]);
    expect(await status()).toBe("paused");
  });

  test("says for how long it has not heard of changes", () => {
    cache.hear([]);
    now += 2_500;
    cache.miss();
    expect(cache.lag).toBe(2.5);
    cache.hear([]);
    expect(cache.lag).toBe(0);
  });
});
