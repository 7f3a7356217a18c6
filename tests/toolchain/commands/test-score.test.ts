import { describe, expect, it } from "vitest";
import { failuresOf, scoreOf, sumOf, verdictOf } from "../../../toolchain/commands/test-score.ts";

const file = (status: string, ...statuses: string[]) => ({
  name: "a.test.ts",
  status,
  message: status === "failed" ? "Cannot find module 'b'\n  at a.test.ts" : "",
  assertionResults: statuses.map((own) => ({
    status: own,
    fullName: `a is ${own}`,
    failureMessages: own === "failed" ? ["\u001b[31mexpected 1 to be 2\u001b[39m\n  at line 3"] : [],
  })),
});
const report = (...testResults: object[]) => JSON.stringify({ testResults });

describe("the score of a test project", () => {
  it("counts what passed, failed and was left out", () => {
    const text = report(file("failed", "passed", "failed", "skipped", "todo"), file("passed", "passed"));
    expect(scoreOf("unit", 1, text)).toEqual({
      ...{ name: "unit", passed: 2, failed: 1, skipped: 2 },
      failures: ["a is failed: expected 1 to be 2"],
    });
  });

  it("counts a file that could not be loaded as a failure", () => {
    expect(scoreOf("unit", 1, report(file("failed"), file("passed", "passed")))).toMatchObject({
      passed: 1,
      failed: 1,
      failures: ["a.test.ts: Cannot find module 'b'"],
    });
  });

  it("counts a file whose set-up failed as a failure, though its tests were only left out", () => {
    expect(scoreOf("e2e", 1, report(file("failed", "skipped", "skipped")))).toMatchObject({
      failed: 1,
      skipped: 2,
    });
  });

  it("counts a failing run that no test explains as a failure", () => {
    expect(scoreOf("unit", 1, report(file("passed", "passed")))).toEqual({
      ...{ name: "unit", passed: 1, failed: 1, skipped: 0 },
      failures: ["the run: it ended with 1"],
    });
  });

  it("counts a run without a report as a failure", () => {
    expect(scoreOf("unit", 0, undefined)).toEqual({
      ...{ name: "unit", passed: 0, failed: 1, skipped: 0 },
      failures: ["the run: it left no report"],
    });
  });

  it("names what failed, for whoever sees the end of a log only", () => {
    const failed = scoreOf("e2e", 1, report(file("failed", "passed", "failed")));
    expect(failuresOf([failed, scoreOf("unit", 0, report(file("passed", "passed")))])).toBe(
      "✗ e2e: a is failed: expected 1 to be 2\n",
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
