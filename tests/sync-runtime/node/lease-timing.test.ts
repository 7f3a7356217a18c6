import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_TIMING, silenceOf, unsafeTiming } from "../../../sync-runtime/node/lease-timing.ts";
import { readNodeConfig } from "../../../sync-runtime/node/node-config.ts";

test("a beat a second and a lease of three is safe, and so is anything as patient", () => {
  for (const timing of [DEFAULT_TIMING, { beat: 0.25, duration: 0.75 }, { beat: 5, duration: 25 }])
    expect(unsafeTiming(timing)).toEqual([]);
});

test.each([
  [
    { beat: 1, duration: 2 },
    "a lease of 2 s is 2 beats of 1 s: one beat that is missed leaves 0 s for slow answers and pauses until another node leads. Give at least 3 beats: 3 s",
  ],
  [
    { beat: 1.5, duration: 4 },
    "a lease of 4 s is 2.67 beats of 1.5 s: one beat that is missed leaves 1 s for slow answers and pauses until another node leads. Give at least 3 beats: 4.5 s",
  ],
  [{ beat: 0.1, duration: 3 }, "a beat of 0.1 s is 10 writes a second of each node. Give at least 0.25 s"],
  [
    { beat: 1, duration: 30 },
    "a lease of 30 s, a beat of 1 s and 5 s to connect again leave the cluster without a leader for up to 36 s, and 35 s are allowed. Give a shorter lease",
  ],
])("%j is refused with its arithmetic", (timing, problem) => {
  expect(unsafeTiming(timing)).toEqual([problem]);
});

test("a node is dead when a lease and a beat went by without a word", () => {
  expect(silenceOf(DEFAULT_TIMING)).toBe(4);
});

const file = (lease: unknown) => {
  const path = join(mkdtempSync(join(tmpdir(), "node-config-")), "node.json");
  const config = {
    ...{
      cluster: "main",
      node: "a",
      listen: { address: "127.0.0.1", port: 0 },
      parallel: 5,
      operatorKeys: [],
    },
    tls: { certificate: "c", key: "k", ca: "a" },
    database: { host: "h", port: 5432, database: "d", user: "u", password: "p" },
    lease,
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
};

test("a config file says nothing about it, or something safe", () => {
  expect(readNodeConfig(file(undefined)).lease).toEqual(DEFAULT_TIMING);
  expect(readNodeConfig(file({ beat: 2, duration: 8 })).lease).toEqual({ beat: 2, duration: 8 });
});

test("a node does not start with a config file that is unsafe", () => {
  expect(() => readNodeConfig(file({ beat: 3, duration: 3 }))).toThrow(
    /a lease of 3 s is 1 beats of 3 s.*\n.*at lease\nThe node did not start\./,
  );
});
