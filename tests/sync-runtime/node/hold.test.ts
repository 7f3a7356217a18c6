import { describe, expect, test } from "vitest";
import {
  type Finding,
  Finding as FindingSchema,
  findingText,
  findLosses,
  HeldError,
  type Hold,
  isSameOccasion,
  requirePlausible,
  type TableChange,
} from "../../../sync-runtime/node/hold.ts";

const change = (
  table: string,
  held: number,
  vanished: number,
  more: Partial<TableChange> = {},
): TableChange => ({
  table,
  held,
  vanished,
  holds: held - vanished,
  ...more,
});

describe("rows that vanish at once", () => {
  test.each<[string, TableChange[], boolean]>([
    ["a third of a table, and ten rows", [change("chat", 30, 10), change("user", 900, 0)], true],
    ["three tenths of a table", [change("chat", 100, 30)], false],
    ["a little more than that", [change("chat", 100, 31)], true],
    ["nine rows of nine, beside others", [change("chat", 9, 9), change("user", 5, 0)], false],
    ["ten rows of ten, beside others", [change("chat", 10, 10), change("user", 50, 0)], true],
    ["a few of each of many tables", [1, 2, 3, 4, 5].map((n) => change(`t${n}`, 9, 6)), true],
    ["a table that was dropped", [change("old", 20, 20, { dropped: true }), change("chat", 80, 0)], false],
    ["a table that held most", [change("old", 60, 60, { dropped: true }), change("chat", 80, 0)], true],
    ["nothing", [change("chat", 100, 0)], false],
    ["nothing of nothing", [], false],
    ["rows that others replaced", [change("chat", 100, 90, { holds: 100 })], true],
  ])("%s", (_, changes, suspicious) => {
    expect(findLosses(changes) !== undefined).toBe(suspicious);
  });

  test("are told of every table that lost some, the greatest loss first", () => {
    expect(
      findLosses([change("b", 40, 20), change("a", 40, 20), change("c", 90, 1), change("d", 9, 0)]),
    ).toEqual({
      reason: "rows-vanished",
      detail: {
        losses: [
          { table: null, held: 179, vanished: 41 },
          { table: "a", held: 40, vanished: 20 },
          { table: "b", held: 40, vanished: 20 },
          { table: "c", held: 90, vanished: 1 },
        ],
      },
    });
  });
});

describe("an empty source", () => {
  test.each([1, 5, 500])("is suspicious where %d rows were", (held) => {
    expect(findLosses([change("chat", held, held)])).toEqual({ reason: "source-empty", detail: { held } });
  });

  test("without a table is, too", () => {
    expect(findLosses([change("chat", 3, 3, { dropped: true })])?.reason).toBe("source-empty");
  });

  test("is nothing new where nothing was", () => {
    expect(findLosses([change("chat", 0, 0)])).toBeUndefined();
  });
});

const vanished = (...changes: [string, number, number][]): Finding =>
  findLosses(changes.map(([table, held, gone]) => change(table, held, gone))) as Finding;
const identity = (now: string, came: number): Finding => ({
  reason: "identity-changed",
  detail: { was: "first", now, held: 100, came },
});
const empty: Finding = { reason: "source-empty", detail: { held: 100 } };

test.each<[string, Finding, Finding, boolean]>([
  ["the same rows", vanished(["chat", 100, 80]), vanished(["chat", 100, 80]), true],
  ["fewer rows", vanished(["chat", 100, 80]), vanished(["chat", 100, 60]), true],
  ["a few more", vanished(["chat", 100, 80]), vanished(["chat", 100, 85]), true],
  ["what is left goes too", vanished(["chat", 100, 80]), vanished(["chat", 100, 99]), false],
  ["another table", vanished(["chat", 100, 80]), vanished(["chat", 100, 80], ["user", 100, 50]), false],
  ["an empty source", vanished(["chat", 100, 80]), empty, false],
  ["an empty source again", empty, empty, true],
  ["the same identity", identity("second", 90), identity("second", 91), true],
  ["a third identity", identity("second", 90), identity("third", 90), false],
  ["the same identity with little left", identity("second", 90), identity("second", 3), false],
])("behind what is known, %s: %#", (_, known, found, same) => {
  expect(isSameOccasion(known, found)).toBe(same);
});

describe("what goes through", () => {
  const found = vanished(["chat", 100, 80]);
  const hold = (accepted: boolean, finding = found): Hold => ({ id: "H", finding, offered: "S", accepted });
  const heldBy = (known: Hold | undefined, finding: Finding | undefined) => {
    try {
      requirePlausible("acme", known, finding, "T");
      return undefined;
    } catch (error) {
      return (error as HeldError).hold;
    }
  };

  test("is a sync that is not suspicious, held or not", () => {
    expect(heldBy(undefined, undefined)).toBeUndefined();
    expect(heldBy(hold(false), undefined)).toBeUndefined();
  });

  test("is one whose occasion an operator accepted", () => {
    expect(heldBy(hold(true), found)).toBeUndefined();
  });

  test("is not one that nobody decided about: it stays the same occasion, with what was found first", () => {
    expect(heldBy(hold(false), vanished(["chat", 100, 82]))).toEqual({ ...hold(false), offered: "T" });
  });

  test("is not another occasion, whatever was accepted before", () => {
    const held = heldBy(hold(true), empty);
    expect(held).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      finding: empty,
      offered: "T",
      accepted: false,
    });
  });
});

test("what is kept of a finding is read back as it was", () => {
  for (const finding of [vanished(["chat", 100, 80]), identity("second", 1), empty])
    expect(FindingSchema.parse(JSON.parse(JSON.stringify(finding)))).toEqual(finding);
});

test.each<[Finding, string]>([
  [vanished(["chat", 100, 80]), "rows vanished at once: 80 of the 100 of chat"],
  [
    vanished(["chat", 100, 80], ["user", 50, 2]),
    "rows vanished at once: 80 of the 100 of chat, 2 of the 50 of user, 82 of 150 in all",
  ],
  [empty, "the source is empty, and 100 rows are held"],
  [
    identity("second", 7),
    "it is a copy of the data with identity first (100 rows), and the data directory now holds second (7 rows)",
  ],
])("it is said so that an operator can decide: %#", (finding, text) => {
  expect(findingText(finding)).toBe(text);
});

test("the error says what to do either way", () => {
  const hold = { id: "H", finding: empty, offered: null, accepted: false };
  expect(new HeldError("acme", hold).message).toBe(
    "The replica of acme is held: the source is empty, and 100 rows are held. It keeps what it has. " +
      "If the source is right, accept that: npm run sync -- acme --accept. " +
      "If it is not, put the tenant's data right; the next sync then goes on by itself.",
  );
});
