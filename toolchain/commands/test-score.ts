import { basename } from "node:path";
import { stripVTControlCharacters } from "node:util";
import * as z from "zod";
import { columns } from "./status-table.ts";

/** What became of one check or of one project's tests. */
export interface Score {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, by name, each with the first line that it said. */
  failures: string[];
}

/** As much of vitest's JSON report as is counted. */
const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({
          status: z.string(),
          fullName: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

/**
 * The score of a project. A file that could not even be loaded, or whose set-up failed, counts as a failure of its
 * own; so does a run that left no report, or that failed for a reason no test shows.
 */
export function scoreOf(name: string, exitCode: number, report: string | undefined): Score {
  if (report === undefined)
    return { name, passed: 0, failed: 1, skipped: 0, failures: ["the run: it left no report"] };
  const { testResults } = Report.parse(JSON.parse(report));
  const tests = testResults.flatMap((file) => file.assertionResults);
  const count = (...statuses: string[]) => tests.filter(({ status }) => statuses.includes(status)).length;
  const brokenFiles = testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"),
  );
  const failures = [
    ...tests
      .filter(({ status }) => status === "failed")
      .map(({ fullName, failureMessages }) => saidOf(fullName, failureMessages?.[0])),
    ...brokenFiles.map((file) => saidOf(basename(file.name), file.message)),
  ];
  if (failures.length === 0 && exitCode !== 0) failures.push(`the run: it ended with ${exitCode}`);
  return {
    name,
    passed: count("passed"),
    failed: failures.length,
    skipped: count("skipped", "pending", "todo", "disabled"),
    failures,
  };
}

const saidOf = (name: string, said = ""): string => {
  const [first] = stripVTControlCharacters(said).split("\n", 1);
  return first ? `${name}: ${first}` : name;
};

/** A line for everything that failed: the end of a long log is what is looked at first. */
export const failuresOf = (scores: readonly Score[]): string =>
  scores.flatMap(({ name, failures }) => failures.map((failure) => `✗ ${name}: ${failure}\n`)).join("");

/** A line for every check and project. */
export const sumOf = (scores: readonly Score[]): string =>
  columns(
    scores.map(({ name, passed, failed, skipped }) => [
      failed > 0 ? "✗" : "✓",
      name,
      `${passed} passed`,
      failed > 0 ? `${failed} failed` : "",
      skipped > 0 ? `${skipped} skipped` : "",
    ]),
  ).join("\n");

/** The last line, `412 passed, 0 failed`, and whether all is well. A run in which nothing ran is not. */
export function verdictOf(scores: readonly Score[]): { line: string; ok: boolean } {
  const total = (key: "passed" | "failed" | "skipped") => scores.reduce((sum, score) => sum + score[key], 0);
  const skipped = total("skipped");
  return {
    line: `${total("passed")} passed, ${total("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
    ok: total("failed") === 0 && total("passed") > 0,
  };
}
