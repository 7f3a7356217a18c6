import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDuration, printDuration } from "../../../../toolchain/providers/docker/duration.ts";

test.each([
  ["10s", 10e9, "10s"],
  ["90s", 90e9, "1m30s"],
  ["1h", 3600e9, "1h0m0s"],
  ["500ms", 5e8, "500ms"],
  ["1.5s", 1.5e9, "1.5s"],
])("the duration %s is understood and printed as Go prints it", (text, nanoseconds, printed) => {
  expect(parseDuration(text)).toBe(nanoseconds);
  expect(printDuration(nanoseconds)).toBe(printed);
});

test("any printed duration is understood again; other text is none", () => {
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(printDuration(ms * 1e6)) === ms * 1e6));
  expect(["", "10", "s", "10 s", "-1s"].map(parseDuration)).toEqual(Array(5).fill(undefined));
});
