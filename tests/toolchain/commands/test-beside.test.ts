import { beforeEach, describe, expect, it } from "vitest";
import { BesideRun, lastLineOf } from "../../../toolchain/commands/test-beside.ts";
import type { Score } from "../../../toolchain/commands/test-score.ts";

const passed: Score = { name: "e2e", passed: 3, failed: 0, skipped: 0, failures: [] };

describe("a project that runs beside the others", () => {
  let screen: string;
  let log: string;
  let now: number;
  let score: PromiseWithResolvers<Score>;
  let run: BesideRun;

  beforeEach(() => {
    [screen, log, now] = ["", "", 0];
    score = Promise.withResolvers<Score>();
    const out = { write: (text: string) => (screen += text) };
    const started = { project: "e2e", score: score.promise, said: async () => log };
    run = new BesideRun(started, out, () => now);
  });

  it("is told of by its time and its latest line, and shown when it ended", async () => {
    await run.tell();
    [log, now] = ["first\n\x1b[32m ✓ second\x1b[39m\n\n", 90_000];
    await run.tell();
    await run.showIfEnded();
    expect(screen).toBe(
      "… e2e runs beside this (0.0 s so far)\n\n… e2e runs beside this (1 min 30 s so far): ✓ second\n\n",
    );
  });

  it("is shown whole, once", async () => {
    log = "all of it\n";
    score.resolve(passed);
    await score.promise;
    await run.showIfEnded();
    await run.showIfEnded();
    await run.tell();
    expect(await run.end()).toEqual(passed);
    expect(screen).toMatch(/^\n── e2e ─+\n\nall of it\n$/);
  });

  it("is waited for where the others end first", async () => {
    const end = run.end();
    log = "the rest\n";
    score.resolve(passed);
    expect(await end).toEqual(passed);
    expect(screen).toContain("the rest\n");
  });

  it("is shown as far as it came where its result cannot be read", async () => {
    log = "half of it\n";
    score.reject(new Error("the report is cut off"));
    await expect(run.end()).rejects.toThrow("the report is cut off");
    expect(screen).toContain("half of it\n");
  });
});

it("the last line of nothing is empty", () => {
  expect(lastLineOf("")).toBe("");
});
