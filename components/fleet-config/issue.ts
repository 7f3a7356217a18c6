import { z } from "zod";
import { documentationOf, schemaAt, unwrap } from "./documentation.ts";
import { nearest } from "./nearest.ts";
import { type Problem, pathOf } from "./problem.ts";

/** What one issue of zod means to a reader; an issue with several unknown keys is several problems. */
export function problemsOf(issue: z.core.$ZodIssue, root: z.ZodObject, raw: unknown): Problem[] {
  const schema = schemaAt(root, issue.path);
  const path = pathOf(issue.path);
  const inWords = (said: z.core.$ZodIssue): Problem => ({
    path,
    found: foundAt(schema, valueAt(raw, issue.path)),
    remedy: documentationOf(schema).remedy,
    ...wordsOf(said),
  });
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(pathOf([...issue.path, key]), key, knownKeys(schema)));
    case "invalid_key":
      return issue.issues.map(inWords);
    default:
      return [inWords(issue)];
  }
}

const knownKeys = (schema: z.core.$ZodType): string[] => {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
};

function unknownKey(path: string, key: string, known: string[]): Problem {
  const meant = nearest(key, known);
  return {
    path,
    found: `the unknown key "${key}"`,
    remedy: `${meant ? `write ${meant}, if that was meant, or remove it` : "remove it"}; known here: ${known.join(", ")}`,
  };
}

/** The words a refinement gave along (see `refuse`); they win over what can be said of any value. */
const wordsOf = (issue: z.core.$ZodIssue): Partial<Problem> =>
  issue.code === "custom" ? (issue.params ?? {}) : {};

const valueAt = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
    raw,
  );

/**
 * A value in words. Only scalars at places that hold a scalar and no secret are shown: a structure, or a text
 * where a structure belongs, might carry a decrypted secret.
 */
function foundAt(schema: z.core.$ZodType, value: unknown): string {
  if (value === undefined) return "nothing, and it is required";
  if (value === null) return "nothing after the colon";
  const kind = Array.isArray(value) ? "a list" : typeof value === "object" ? "a mapping" : undefined;
  if (kind) return kind;
  const inner = unwrap(schema);
  const structure =
    inner instanceof z.ZodObject || inner instanceof z.ZodRecord || inner instanceof z.ZodArray;
  if (structure || documentationOf(schema).secret) return `a ${kindOf(value)}`;
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : `${value} (a ${kindOf(value)})`;
}

const kindOf = (value: unknown): string =>
  typeof value === "string" ? "text" : typeof value === "boolean" ? "truth value" : "number";
