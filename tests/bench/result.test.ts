import { expect, test } from "vitest";
import { median, resultOf, table } from "../../bench/result.ts";

test.each([
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

const line = { name: "preview, 1 tenants", unit: "x", target: 1.5, detail: "" };

test("a result is the median of its rounds with their spread, and met when it is not above its target", () => {
  expect(resultOf(line, [1.2, 1.5, 2.1])).toMatchObject({ measured: 1.5, spread: 0.9, met: true });
  expect(resultOf(line, [1.51])).toMatchObject({ measured: 1.51, spread: 0, met: false });
});

test("a table puts measured beside target", () => {
  expect(table([resultOf({ ...line, detail: "12 resources" }, [1.25, 1.5, 1.75])])).toBe(
    [
      "                    measured  spread  target   met",
      "preview, 1 tenants  1.5x      0.5x    <= 1.5x  yes  12 resources",
    ].join("\n"),
  );
});
