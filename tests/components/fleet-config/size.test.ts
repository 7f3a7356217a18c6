import fc from "fast-check";
import { expect, test } from "vitest";
import { formatSize, parseRate, parseSize } from "../../../components/fleet-config/size.ts";

test.each([
  ["700MB", 700_000_000],
  ["1.4GB", 1_400_000_000],
  ["1.4 GB", 1_400_000_000],
  ["512MiB", 536_870_912],
  ["2GiB", 2_147_483_648],
  ["64kB", 64_000],
  ["64KB", 64_000],
  ["1B", 1],
])("%s is %d bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "700", "MB", "700M", "700mb", "-1MB", "1e3MB", "1,4GB", "1.GB", "700MB "])(
  "%j is no size",
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test.each([
  ["10MB/s", 10_000_000],
  ["1.5 MiB/s", 1_572_864],
  ["10MB", undefined],
  ["10Mbit/s", undefined],
  ["/s", undefined],
])("%j is a rate of %s bytes a second", (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

test("a formatted size parses to within half a percent of what it was", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64e12 }), (bytes) => {
      const again = parseSize(formatSize(bytes));
      expect(Math.abs((again ?? 0) - bytes)).toBeLessThanOrEqual(bytes * 0.005);
    }),
  );
});
