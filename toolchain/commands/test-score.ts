import { stripVTControlCharacters } from "node:util";
import * as z from "zod";
import { columns } from "./status-table.ts";

/** What became of one check or of one project's tests. */
export interface Score {
  name: string;
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, by name, each with how it began and ended what it said. */
  failures: string[];
}

const Failure = z.object({ name: z.string(), said: z.string() });
export type Failure = z.infer<typeof Failure>;

const Report = z.object({ passed: z.number(), skipped: z.number(), failures: z.array(Failure) });
/** What became of a project's tests, as test-reporter.ts tells it. */
export type Report = z.infer<typeof Report>;

/** The score of a project. A run that left no report counts as a failure, and so does one that no failure explains. */
export function scoreOf(name: string, exitCode: number, report: string | undefined): Score {
  if (report === undefined)
    return { name, passed: 0, failed: 1, skipped: 0, failures: ["the run: it left no report"] };
  const { passed, skipped, failures } = Report.parse(JSON.parse(report));
  const told = failures.map(({ name, said }) => [name, shortened(said)].filter(Boolean).join(": "));
  if (told.length === 0 && exitCode !== 0) told.push(`the run: it ended with ${exitCode}`);
  return { name, passed, failed: told.length, skipped, failures: told };
}

/** Why a command failed stands at the end of what it said. */
const LAST_LINES = 12;

const shortened = (said: string): string => {
  const [first, ...more] = stripVTControlCharacters(said).trim().split("\n");
  return [first, ...more.slice(-LAST_LINES).map((line) => `    ${line}`)].join("\n");
};

/** Everything that failed: the end of a long log is what is looked at first. */
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
