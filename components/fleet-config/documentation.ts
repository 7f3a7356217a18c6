import { z } from "zod";

/**
 * What stands beside a field of the schema. docs/configuration.md is written from it, and so is the remedy
 * when a value is refused, so that the two cannot disagree.
 */
export interface Documentation {
  description: string;
  /** What a reader writes, in YAML. */
  example?: string;
  /** The type in a reader's words, where the schema's own would not help: "size", "DNS label". */
  type?: string;
  /** The default in words, where it is computed from something else. */
  default?: string;
  /** What to do when the value is refused; an imperative that fits after "remedy". */
  remedy: string;
  /** The value may hold a secret: it appears in no message. */
  secret?: boolean;
}

/** Documentation of every field, by its schema; `.register(documentation, ...)` comes last in a field's chain. */
export const documentation = z.registry<Documentation>();

/** The schema inside `optional`, `prefault` and `transform`: what decides about keys and elements. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const type = schema as z.core.$ZodTypes;
  switch (type._zod.def.type) {
    case "optional":
    case "nullable":
    case "prefault":
      return unwrap(type._zod.def.innerType);
    case "pipe":
      return unwrap(type._zod.def.in);
    default:
      return schema;
  }
}

/** The schema at a path that a problem of that very schema named. */
export function schemaAt(root: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType {
  return path.reduce<z.core.$ZodType>((schema, step) => {
    const inner = unwrap(schema);
    const next =
      inner instanceof z.ZodObject
        ? inner.shape[String(step)]
        : inner instanceof z.ZodRecord
          ? inner.valueType
          : inner instanceof z.ZodArray && inner.element;
    if (!next) throw new Error(`The schema of the stack's config has no place ${path.join(".")}.`);
    return next;
  }, root);
}

/** What is documented of a field; every field of the stack's config is. */
export function documentationOf(schema: z.core.$ZodType): Documentation {
  const found = documentation.get(schema);
  if (!found)
    throw new Error("A field of the stack's config has no documentation; register it where it is declared.");
  return found;
}
