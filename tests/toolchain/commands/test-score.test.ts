import { describe, expect, it } from "vitest";
import {
  type Failure,
  failuresOf,
  scoreOf,
  sumOf,
  verdictOf,
} from "../../../toolchain/commands/test-score.ts";

const report = (passed: number, ...failures: Failure[]) => JSON.stringify({ passed, skipped: 2, failures });

describe("the score of a test project", () => {
  it("counts what passed, failed and was left out", () => {
    const failure = { name: "a fails", said: "\u001b[31mexpected 1 to be 2\u001b[39m" };
    expect(scoreOf("unit", 1, report(7, failure))).toEqual({
      ...{ name: "unit", passed: 7, failed: 1, skipped: 2 },
      failures: ["a fails: expected 1 to be 2"],
    });
  });

  it("counts a failing run that no test explains as a failure", () => {
    expect(scoreOf("unit", 1, report(2))).toEqual({
      ...{ name: "unit", passed: 2, failed: 1, skipped: 2 },
      failures: ["the run: it ended with 1"],
    });
  });

  it("counts a run without a report as a failure", () => {
    expect(scoreOf("unit", 0, undefined)).toEqual({
      ...{ name: "unit", passed: 0, failed: 1, skipped: 0 },
      failures: ["the run: it left no report"],
    });
  });

  it("names what failed, with the end of what it said, for whoever sees the end of a log only", () => {
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);
    const failed = scoreOf(
      "e2e",
      1,
      report(1, { name: "a fails", said: ["exit code 1", ...lines].join("\n") }),
    );
    const told = lines.slice(28).map((line) => `    ${line}`);
    expect(failuresOf([failed, scoreOf("unit", 0, report(2))])).toBe(
      `✗ e2e: a fails: exit code 1\n${told.join("\n")}\n`,
    );
  });
});

describe("the last line of a test run", () => {
  const unit = { name: "unit", passed: 400, failed: 0, skipped: 0, failures: [] };

  it("sums what passed and failed", () => {
    const scores = [unit, { name: "e2e", passed: 38, failed: 2, skipped: 0, failures: [] }];
    expect(verdictOf(scores)).toEqual({ line: "438 passed, 2 failed", ok: false });
    expect(sumOf(scores)).toBe("✓   unit   400 passed\n✗   e2e    38 passed    2 failed");
  });

  it("names what was skipped only where something was", () => {
    expect(verdictOf([unit])).toEqual({ line: "400 passed, 0 failed", ok: true });
    expect(verdictOf([{ ...unit, skipped: 3 }])).toEqual({
      line: "400 passed, 0 failed, 3 skipped",
      ok: true,
    });
  });

  it("is no success when nothing ran", () => {
    expect(verdictOf([{ name: "unit", passed: 0, failed: 0, skipped: 9, failures: [] }])).toEqual({
      line: "0 passed, 0 failed, 9 skipped",
      ok: false,
    });
  });
});
