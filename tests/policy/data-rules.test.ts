import { expect, test } from "vitest";
import { protectedData } from "../../policy/data-rules.ts";

const types = ["database:Database", "schema:Schema", "role:Role"].map((type) => `postgresql:index/${type}`);

test.each(types)("a protected %s passes", (type) => {
  expect(protectedData(type, { protect: true }, "fleet")).toEqual([]);
});

test.each(types)("an unprotected %s fails", (type) => {
  expect(protectedData(type, { protect: false }, "fleet")).toEqual([
    "It holds data and is not protected, so a destroy would delete it. Declare it with protect: true.",
  ]);
});

test("a grant holds nothing", () => {
  expect(protectedData("postgresql:index/grant:Grant", { protect: false }, "fleet")).toEqual([]);
});

test.each(["reader_ana", "fleet_reader_acme"])("the role %s, which owns nothing, may go", (name) => {
  expect(protectedData("postgresql:index/role:Role", { protect: false }, name)).toEqual([]);
});

test("the group that reads every replica stays", () => {
  expect(protectedData("postgresql:index/role:Role", { protect: false }, "fleet_reader")).toHaveLength(1);
});
