import { expect, test } from "vitest";
import { parseDuration } from "../../../components/fleet-config/duration.ts";

test.each([
  ["1m", 60],
  ["12h", 43_200],
  ["7d", 604_800],
  ["90d", 7_776_000],
])("%s is %d seconds", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(["", "7", "d", "0d", "07d", "-1d", "1.5h", "7 d", "7D", "1w", "7d "])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
