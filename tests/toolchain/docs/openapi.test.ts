import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openApiFile, openApiText } from "../../../toolchain/docs/openapi.ts";

test("docs/openapi.json is what the routes declare; `npm run docs` writes it", () => {
  expect(readFileSync(openApiFile, "utf8")).toBe(openApiText());
});
