import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { openApiDocument } from "../../sync-runtime/node/api/openapi.ts";
import { routes } from "../../sync-runtime/node/api/routes.ts";

/** `npm run docs` writes docs/openapi.json from the routes' declarations; a test asserts it is current. */
export const openApiFile = resolve(import.meta.dirname, "../../docs/openapi.json");

/** The document as it is committed. */
export const openApiText = (): string => `${JSON.stringify(openApiDocument(routes), undefined, 2)}\n`;

if (import.meta.main) {
  writeFileSync(openApiFile, openApiText());
  console.log("docs/openapi.json was written from the routes.");
}
