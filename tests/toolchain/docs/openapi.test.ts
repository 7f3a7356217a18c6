import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApiFile, openApiText } from "../../../toolchain/docs/openapi.ts";

test("docs/openapi.json is what the routes declare; `npm run docs` writes it", () => {
  expect(readFileSync(openApiFile, "utf8")).toBe(openApiText());
});

test("every reference in it leads somewhere", () => {
  const document = JSON.parse(openApiText()) as Record<string, unknown>;
  const references = [...openApiText().matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference);
  expect(references).toContain("#/components/schemas/Problem");
  const at = (reference = "") =>
    reference
      .slice(2)
      .split("/")
      .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);
  expect(references.filter((reference) => at(reference) === undefined)).toEqual([]);
});
