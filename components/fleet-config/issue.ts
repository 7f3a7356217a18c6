import { z } from "zod";
import { documentation, schemaAt, unwrap } from "./documentation.ts";
import { nearest } from "./nearest.ts";
import { type Problem, pathOf } from "./problem.ts";

/** What one issue of zod means to a reader; an issue with several unknown keys is several problems. */
export function problemsOf(issue: z.core.$ZodIssue, root: z.ZodObject, raw: unknown): Problem[] {
  const schema = schemaAt(root, issue.path);
  const path = pathOf(issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(pathOf([...issue.path, key]), key, knownKeys(schema)));
    case "invalid_key":
      return issue.issues.map((inner) => ({ path, ...inKey(inner) }));
    default: {
      const { found, remedy } = wordsOf(issue);
      return [
        {
          path,
          found: found ?? foundAt(schema, valueAt(raw, issue.path)),
          remedy: remedy ?? remedyOf(schema),
        },
      ];
    }
  }
}

const knownKeys = (schema: z.core.$ZodType | undefined): string[] => {
  const inner = schema && unwrap(schema);
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

/** The words a refinement gave along (see `refuse`). */
const wordsOf = (issue: z.core.$ZodIssue): Partial<Problem> =>
  issue.code === "custom" ? (issue.params ?? {}) : {};

const inKey = (issue: z.core.$ZodIssue): { found: string; remedy: string } => {
  const { found = "a name that is refused", remedy = "choose another name" } = wordsOf(issue);
  return { found, remedy };
};

const remedyOf = (schema: z.core.$ZodType | undefined): string =>
  (schema && documentation.get(schema)?.remedy) ?? "correct it";

const valueAt = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, step) => (typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined),
    raw,
  );

/**
 * A value in words. Only scalars at places that hold a scalar and no secret are shown: a structure, or a text
 * where a structure belongs, might carry a decrypted secret.
 */
function foundAt(schema: z.core.$ZodType | undefined, value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const kind = Array.isArray(value) ? "a list" : typeof value === "object" ? "a mapping" : undefined;
  if (kind) return kind;
  const inner = schema && unwrap(schema);
  const structure =
    inner instanceof z.ZodObject || inner instanceof z.ZodRecord || inner instanceof z.ZodArray;
  if (!schema || structure || documentation.get(schema)?.secret) return `a ${kindOf(value)}`;
  return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : `${value} (a ${kindOf(value)})`;
}

const kindOf = (value: unknown): string =>
  typeof value === "string" ? "text" : typeof value === "boolean" ? "truth value" : "number";
