import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configurationReference, referenceFile } from "../../../toolchain/docs/configuration.ts";

test("docs/configuration.md is what the schema says; `npm run docs` writes it", () => {
  expect(readFileSync(referenceFile, "utf8")).toBe(configurationReference());
});

test("the reference has a row for a field at any depth, with type, default and remedy", () => {
  expect(configurationReference()).toContain(
    "| `memory.limit` | size | `1400MB` | Memory it can never exceed; the container is killed and started again instead.<br>When refused: write a number with its unit",
  );
});

test("a field that has no default says that it is required", () => {
  expect(configurationReference()).toMatch(/\| `admin\.email` \| e-mail address \| \*\*required\*\* \|/);
});
