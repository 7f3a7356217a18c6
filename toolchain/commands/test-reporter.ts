import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Reporter, SerializedError, TestModule } from "vitest/node";
import type { Failure, Report } from "./test-score.ts";

/** Names the file that the report is written to. */
export const REPORT = "OWUI_TEST_REPORT";

const saidBy = (errors: readonly SerializedError[] = []): string =>
  errors.map(({ message }) => message).join("\n");

/**
 * What a run of vitest came to. Beside tests, what fails is a file that cannot be loaded, a group's set-up or end, and
 * whatever no test waited for.
 */
export function reportOf(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Report {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (...states: string[]) => tests.filter((test) => states.includes(test.result().state)).length;
  const failed = tests.filter((test) => test.result().state === "failed");
  const failures: Failure[] = [
    ...failed.map((test) => ({ name: test.fullName, said: saidBy(test.result().errors) })),
    ...modules.flatMap((module) => {
      const file = basename(module.moduleId);
      return [
        { name: file, said: saidBy(module.errors()) },
        ...[...module.children.allSuites()].map((suite) => ({
          name: `${file}: ${suite.fullName}`,
          said: saidBy(suite.errors()),
        })),
      ].filter(({ said }) => said !== "");
    }),
    ...unhandled.map((error) => ({ name: "beside the tests", said: saidBy([error]) })),
  ];
  return { passed: count("passed"), skipped: count("skipped", "pending"), failures };
}

/** Vitest's: writes the report once, at the end. */
export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env[REPORT];
    if (file === undefined) throw new Error(`${REPORT} names no file.`);
    writeFileSync(file, JSON.stringify(reportOf(modules, unhandled)));
  }
}
