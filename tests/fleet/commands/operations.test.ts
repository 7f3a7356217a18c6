import { describe, expect, it } from "vitest";
import { operationTable, operationText, standing } from "../../../fleet/commands/operations.ts";
import type { Operation } from "../../../fleet/saga/operation.ts";

const operation = (more: Partial<Operation> = {}): Operation => ({
  ...{ id: "12", client: "acme", kind: "backup", request: {}, found: {}, by: "ana" },
  ...{ steps: ["snapshot", "store", "check"], done: 1, abortable: 2, status: "running", held: true },
  ...{ abort_asked_by: null, runner: "ana at ops, process 7", error: null, ended_at: null },
  ...{ begun_at: "2026-11-22T07:00:00Z", changed_at: "2026-11-22T07:05:00Z" },
  ...more,
});
const now = Date.parse("2026-11-22T07:06:00Z");

describe("a long operation", () => {
  it.each<[Partial<Operation>, string]>([
    [{}, "at store (2 of 3)"],
    [{ held: false }, "ABANDONED at store (2 of 3)"],
    [{ status: "stopped", held: false }, "STOPPED at store (2 of 3)"],
    [{ abort_asked_by: "bo" }, "taken back, at store (2 of 3)"],
    [{ status: "undoing", abort_asked_by: "bo", held: false }, "ABANDONED at store (2 of 3)"],
    [{ done: 3 }, "at check (3 of 3)"],
    [{ status: "done", done: 3, held: false }, "done"],
  ])("that is %j stands as: %s", (more, words) => {
    expect(standing(operation(more))).toBe(words);
  });

  it("is a line of the list", () => {
    expect(operationTable([operation()], now).split("\n")[1]).toMatch(
      /^12 +acme +backup +at store \(2 of 3\) +6 min ago +ana$/,
    );
    expect(operationTable([], now)).toMatch(/no long operation/);
  });

  it.each<[Partial<Operation>, RegExp[], RegExp[]]>([
    [{}, [/abort 12/], [/resume/]],
    [
      { held: false, status: "stopped", error: "the disk is full" },
      [/resume 12/, /abort 12/, /because: the disk is full/],
      [],
    ],
    [{ held: false, done: 3, status: "stopped" }, [/resume 12/], [/abort 12/]],
    [{ held: false, abort_asked_by: "bo", status: "undoing" }, [/abort 12/], [/resume/]],
    [
      { held: false, status: "done", done: 3, ended_at: "2026-11-22T07:05:00Z" },
      [/✓ check/],
      [/resume|abort/],
    ],
  ])("that is %j tells what can be done with it", (more, said, unsaid) => {
    const text = operationText(operation(more), now);
    for (const pattern of said) expect(text).toMatch(pattern);
    for (const pattern of unsaid) expect(text).not.toMatch(pattern);
  });
});

it("names the command that asks where an abort would ask nothing", () => {
  const promoted = operation({
    ...{ kind: "promote", steps: ["fill", "switch", "gate", "confirm"], done: 3, abortable: 3 },
    ...{ status: "stopped", held: false },
  });
  expect(operationText(promoted, now)).toContain("npx fleet promote acme --rollback");
  expect(operationText(promoted, now)).not.toContain("operations abort");
  expect(operationText({ ...promoted, done: 0 }, now)).toContain("npx fleet operations abort 12");
});
