import { isDeepStrictEqual } from "node:util";
import { isJsonText } from "../../protocol/json-text.ts";

/**
 * A JSON value. A number that JavaScript would write otherwise (1.0, or one of more than 15 digits, such as a moment in
 * nanoseconds) is the object that JSON.rawJSON makes of its text.
 */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

/** Not in TypeScript's own declarations yet: https://github.com/tc39/proposal-json-parse-with-source */
interface SourceText {
  rawJSON(text: string): JsonObject;
  isRawJSON(value: unknown): boolean;
  parse(text: string, revive: (name: string, value: Json, context: { source?: string }) => Json): Json;
}
const { rawJSON, isRawJSON, parse } = JSON as unknown as SourceText;

/** A document with its numbers as they are written; undefined when the text is not JSON as Postgres knows it. */
export function parseDocument(text: unknown): Json | undefined {
  if (typeof text !== "string" || !isJsonText(Buffer.from(text))) return undefined;
  return parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && JSON.stringify(value) !== source
      ? rawJSON(source)
      : value,
  );
}

export const formatDocument = (document: Json): string => JSON.stringify(document);

export const isSameJson = (one: Json | undefined, other: Json | undefined): boolean =>
  isDeepStrictEqual(one, other);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJSON(value);

/** Whether it is a text, a number, a truth value or null. */
export const isScalar = (value: Json): boolean =>
  typeof value !== "object" || value === null || isRawJSON(value);
