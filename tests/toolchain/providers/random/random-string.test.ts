import fc from "fast-check";
import { expect, test } from "vitest";
import type { Properties } from "../../../../toolchain/providers/plugin/properties.ts";
import { keptFields } from "../../../../toolchain/providers/plugin/types.ts";
import { string } from "../../../../toolchain/providers/random/random-string.ts";

const withDefaults = (given: Properties) => keptFields(string.inputs as never, given);

const generate = async (given: Properties): Promise<string> =>
  (await string.create(withDefaults(given) as never, undefined as never)).id;

const classes = {
  lower: { least: "minLower", characters: /[a-z]/g },
  upper: { least: "minUpper", characters: /[A-Z]/g },
  numeric: { least: "minNumeric", characters: /[0-9]/g },
  special: { least: "minSpecial", characters: /[^a-zA-Z0-9]/g },
} as const;

test("every string has its length, each class at least as often as asked, and no class that is off", async () => {
  const request = fc.record({
    upper: fc.boolean(),
    numeric: fc.boolean(),
    special: fc.boolean(),
    minLower: fc.nat(3),
    minUpper: fc.nat(3),
    minNumeric: fc.nat(3),
    minSpecial: fc.nat(3),
    length: fc.integer({ min: 12, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const made = await generate(given);
      expect(made).toHaveLength(given.length);
      for (const [name, { least, characters }] of Object.entries(classes)) {
        const count = made.match(characters)?.length ?? 0;
        expect(count).toBeGreaterThanOrEqual(given[least]);
        if (name in given && !given[name as "upper"]) expect(count).toBe(given[least]);
      }
    }),
  );
});

test("special characters are those given instead", async () => {
  expect(
    await generate({ length: 30, lower: false, upper: false, numeric: false, overrideSpecial: "_-" }),
  ).toMatch(/^[_-]{30}$/);
});

test("two strings differ, and the place of a class's minimum tells nothing", async () => {
  const made = await Promise.all(
    Array.from({ length: 50 }, () => generate({ length: 8, minNumeric: 1, numeric: false })),
  );
  expect(new Set(made).size).toBe(50);
  expect(new Set(made.map((one) => one.search(/[0-9]/))).size).toBeGreaterThan(3);
});

test.each([
  [{ length: 3, minLower: 2, minUpper: 2 }, "length"],
  [{ length: 0 }, "length"],
  [{ length: 5, lower: false, upper: false, numeric: false, special: false }, "special"],
])("%j cannot be made: the check says so of %s", async (given, property) => {
  const failures = (await string.check?.(withDefaults(given)))?.failures;
  expect(failures?.map((failure) => failure.property)).toEqual([property]);
});
