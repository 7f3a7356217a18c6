import { describe, expect, it } from "vitest";
import { agoText, columns, replicaText } from "../../../toolchain/commands/status-table.ts";

describe("a replica", () => {
  const replica = { verified_at: "2026-11-21T15:00:00Z", tables: 1, rows: 1, equal: true, decided: 0 };
  const now = Date.parse("2026-11-21T15:01:05Z");

  it.each([
    [replica, "equal, verified 1 min ago, 1 table, 1 row"],
    [{ ...replica, equal: false, rows: 0 }, "NOT equal, verified 1 min ago, 1 table, 0 rows"],
    [{ ...replica, decided: 1 }, "equal except 1 row decided, verified 1 min ago, 1 table, 1 row"],
    [{ ...replica, decided: 2 }, "equal except 2 rows decided, verified 1 min ago, 1 table, 1 row"],
    [{ ...replica, verified_at: null }, "not yet verified"],
  ])("%j reads: %s", (status, text) => {
    expect(replicaText(status, now)).toBe(text);
  });
});

describe("an age", () => {
  it.each([
    [-500, "0 s"],
    [400, "0 s"],
    [59_400, "59 s"],
    [60_000, "1 min"],
    [3_599_000, "59 min"],
    [7_200_000, "2 h"],
    [200_000_000, "2 d"],
  ])("of %d ms reads %s", (ms, text) => {
    expect(agoText(ms)).toBe(text);
  });
});

describe("columns", () => {
  it("are as wide as their widest cell, and lines end with what they say", () => {
    expect(
      columns([
        ["a", "bb", ""],
        ["ccc", "d", "e"],
      ]),
    ).toEqual(["a     bb", "ccc   d    e"]);
  });
});
