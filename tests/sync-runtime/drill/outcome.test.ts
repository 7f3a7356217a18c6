import { describe, expect, it } from "vitest";
import { isDue, outcomeOf } from "../../../sync-runtime/drill/outcome.ts";

const now = new Date("2026-11-22T12:00:00Z");
const known = { ok: false, snapshot: "abc", seconds: 12 };

describe("what is kept of a drill", () => {
  it("says nothing of why where it was good", () => {
    expect(outcomeOf("a warning\n", { ...known, ok: true }, now)).toEqual({
      ...{ at: "2026-11-22T12:00:00.000Z", ok: true, snapshot: "abc", seconds: 12, why: null },
    });
  });

  it.each([
    [
      'noise\n{"problems":["table chat is missing","webui.db is missing"]}\n',
      "table chat is missing; webui.db is missing",
    ],
    ["one\ntwo\nthree\nfour\n\n", "two three four"],
    ["", "it ended and said nothing"],
    ["x".repeat(9000), "x".repeat(2000)],
  ])("says why it was not good", (said, why) => {
    expect(outcomeOf(said, known, now).why).toBe(why);
  });
});

describe("a drill is due", () => {
  const status = (drill: object | null, lastGood: string | null = "2026-11-22T06:00:00Z") =>
    JSON.stringify({ lastGood, drill });
  const week = 7 * 86_400;

  it.each([
    ["never before the first backup", status(null, null), false],
    ["after the first backup", status(null), true],
    ["not before its interval is over", status({ at: "2026-11-16T12:00:00Z", ok: true }), false],
    ["when its interval is over", status({ at: "2026-11-15T12:00:00Z", ok: true }), true],
    ["again six hours after one that was not good", status({ at: "2026-11-22T06:00:00Z", ok: false }), true],
    ["not at once after one that was not good", status({ at: "2026-11-22T06:00:01Z", ok: false }), false],
    ["never by a file that says nothing", "{", false],
  ])("%s", (_, text, due) => {
    expect(isDue(text, week, now)).toBe(due);
  });
});
