import { expect, test } from "vitest";
import { differences, NotEqualError } from "../../../sync-runtime/node/equality.ts";

const table = (name: string, rows: number, sum = "00") => ({ name, rows, sum });

test("equal tables in any order differ in nothing", () => {
  expect(differences([table("a", 1), table("b", 2)], [table("b", 2), table("a", 1)])).toEqual([]);
});

test("every kind of difference is named by table", () => {
  const expected = [table("missing", 1), table("short", 3), table("altered", 2, "01")];
  const found = [table("short", 2), table("altered", 2, "02"), table("extra", 0)];
  expect(differences(expected, found)).toEqual([
    "missing is missing",
    "short has 2 rows instead of 3",
    "altered has 2 rows of other content",
    "extra should not be there",
  ]);
});

test("the error names five tables and counts the rest", () => {
  const found = Array.from({ length: 7 }, (_, index) => `t${index} is missing`);
  expect(new NotEqualError(found, "Nothing was kept.").message).toBe(
    "The replica is not equal: t0 is missing; t1 is missing; t2 is missing; t3 is missing; t4 is missing " +
      "and 2 tables more. Nothing was kept.",
  );
});
