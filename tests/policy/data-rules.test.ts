import { expect, test } from "vitest";
import { protectedData } from "../../policy/data-rules.ts";

const types = ["database:Database", "schema:Schema", "role:Role"].map((type) => `postgresql:index/${type}`);

test.each(types)("a protected %s passes", (type) => {
  expect(protectedData(type, { protect: true })).toEqual([]);
});

test.each(types)("an unprotected %s fails", (type) => {
  expect(protectedData(type, { protect: false })).toEqual([
    "It holds data and is not protected, so a destroy would delete it. Declare it with protect: true.",
  ]);
});

test("a grant holds nothing", () => {
  expect(protectedData("postgresql:index/grant:Grant", { protect: false })).toEqual([]);
});
