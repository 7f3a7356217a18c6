import { expect, test } from "vitest";
import { choiceOf } from "../../../bench/replicate/replicate.ts";
import { allowedStall } from "../../../bench/replicate/writer.ts";

const chosen = { mb: "600", rounds: "3", only: "memory,first-load" };

test("parts run in their own order, whatever order they are named in", () => {
  expect(choiceOf(chosen)).toEqual({ megabytes: 600, rounds: 3, parts: ["first-load", "memory"] });
});

test("everything that makes no sense is said at once", () => {
  expect(() => choiceOf({ mb: "much", rounds: "0", only: "memory,speed" })).toThrow(
    /^Nothing was measured:\n--mb much: .*\n--rounds 0: .*\n--only memory,speed: .*first-load,unchanged/,
  );
});

test.each([
  [60, 250],
  [100, 250],
  [200, 250],
  [600, 600],
])("at %d MB a commit may wait %d ms in rollback-journal mode", (megabytes, milliseconds) => {
  expect(allowedStall(megabytes)).toBe(milliseconds);
});
