import { expect, test } from "vitest";
import { median, percentile, resultOf, table } from "../../bench/result.ts";

test.each([
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

test.each([
  [[5], 0.99, 5],
  [[4, 1, 3, 2], 0.5, 2],
  [Array.from({ length: 200 }, (_, index) => index + 1), 0.99, 198],
  [[1, 2], 1, 2],
  [[1, 2], 0, 1],
])("of %j the share %d is not above %d", (values, share, value) => {
  expect(percentile(values, share)).toBe(value);
});

const line = { name: "preview, 1 tenants", unit: "x", target: 1.5, detail: "" };

test("a result is the median of its rounds with their spread, and met when it is not above its target", () => {
  expect(resultOf(line, [1.2, 1.5, 2.1])).toMatchObject({ measured: 1.5, spread: 0.9, met: true });
  expect(resultOf(line, [1.51])).toMatchObject({ measured: 1.51, spread: 0, met: false });
});

test("a speed is met when it is not below its target, and says so", () => {
  const speed = { ...line, bound: ">=" } as const;
  expect(resultOf(speed, [1.49])).toMatchObject({ measured: 1.49, bound: ">=", met: false });
  expect(resultOf(speed, [1.4, 1.5, 1.9])).toMatchObject({ measured: 1.5, met: true });
  expect(table([resultOf(speed, [1.6])])).toContain(">= 1.5x  yes");
});

test("what was not measured meets no target", () => {
  expect(resultOf(line, []).met).toBe(false);
  expect(resultOf({ ...line, bound: ">=" }, [Number.NaN]).met).toBe(false);
});

test("a table puts measured beside target", () => {
  expect(table([resultOf({ ...line, detail: "12 resources" }, [1.25, 1.5, 1.75])])).toBe(
    [
      "                    measured  spread  target   met",
      "preview, 1 tenants  1.5x      0.5x    <= 1.5x  yes  12 resources",
    ].join("\n"),
  );
});
