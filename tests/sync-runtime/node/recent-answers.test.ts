import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { OLDEST_MS, RecentAnswers } from "../../../sync-runtime/node/recent-answers.ts";

/** What is to be read next, how often it was, and what holds it back. */
let held: string;
let reads: number;
let gate: Promise<void>;
let now: number;
let answers: RecentAnswers<string>;

beforeEach(() => {
  held = "first";
  reads = 0;
  gate = Promise.resolve();
  now = 0;
  answers = new RecentAnswers({ monotonic: () => now });
});

const ask = (question = "all", keep = true) =>
  answers.answer(question, async () => {
    reads += 1;
    const answer = held;
    await gate;
    return { answer, keep };
  });
/** Holds readings back until it is called. */
function hold(): () => Promise<void> {
  let open = () => {};
  gate = new Promise((resolve) => {
    open = resolve;
  });
  return async () => {
    open();
    await turn();
  };
}

describe("what was read", () => {
  test("is told again while it is young, and each question has its own", async () => {
    expect([await ask(), await ask("other")]).toEqual(["first", "first"]);
    held = "second";
    now = OLDEST_MS / 2;
    expect([await ask(), await ask("other"), reads]).toEqual(["first", "first", 2]);
  });

  test("is read anew for whoever comes later", async () => {
    await ask();
    held = "second";
    now = OLDEST_MS + 1;
    expect([await ask(), reads]).toEqual(["second", 2]);
  });

  test("counts from when it was asked for, not from when it came", async () => {
    const open = hold();
    const first = ask();
    now = OLDEST_MS + 1;
    await open();
    expect(await first).toBe("first");
    held = "second";
    expect(await ask()).toBe("second");
  });

  test("and is not worth it is read each time", async () => {
    await ask("short", false);
    held = "second";
    expect([await ask("short", false), reads]).toEqual(["second", 2]);
  });
});

describe("whoever goes on asking", () => {
  test("waits for nothing: the next is read meanwhile, once", async () => {
    await ask();
    held = "second";
    now = OLDEST_MS - 1;
    const open = hold();
    expect([await ask(), await ask(), reads]).toEqual(["first", "first", 2]);
    await open();
    expect([await ask(), reads]).toEqual(["second", 2]);
  });

  test("hears of a failure only when what is known is too old", async () => {
    await ask();
    now = OLDEST_MS - 1;
    const failing = () => answers.answer("all", () => Promise.reject(new Error("away")));
    expect(await failing()).toBe("first");
    await turn();
    expect(await failing()).toBe("first");
    now = OLDEST_MS + 1;
    await expect(failing()).rejects.toThrow("away");
  });

  test("is not told what is older than what was told before", async () => {
    const open = hold();
    const slow = ask();
    now = 1;
    held = "second";
    gate = Promise.resolve();
    expect(await ask()).toBe("second");
    await open();
    expect([await slow, await ask()]).toEqual(["first", "second"]);
  });
});

describe("what is forgotten", () => {
  test("is read anew at once", async () => {
    await ask();
    held = "second";
    answers.forget();
    expect(await ask()).toBe("second");
  });

  test("while it was read is told to who asked and not kept", async () => {
    const open = hold();
    const before = ask();
    answers.forget();
    held = "second";
    await open();
    expect([await before, await ask()]).toEqual(["first", "second"]);
  });

  test("while it was renewed is not kept either", async () => {
    await ask();
    now = OLDEST_MS - 1;
    const open = hold();
    await ask();
    answers.forget();
    held = "second";
    await open();
    expect(await ask()).toBe("second");
  });
});
