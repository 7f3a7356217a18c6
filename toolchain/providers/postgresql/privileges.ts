import type { Properties } from "../plugin/properties.ts";
import { strings } from "../plugin/resource.ts";
import type { Failure } from "../plugin/types.ts";

/** Privileges of each kind of object, besides ALL. */
const known: Record<string, readonly string[]> = {
  database: ["CREATE", "CONNECT", "TEMPORARY"],
  schema: ["CREATE", "USAGE"],
  table: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"],
  sequence: ["USAGE", "SELECT", "UPDATE"],
  function: ["EXECUTE"],
  procedure: ["EXECUTE"],
  routine: ["EXECUTE"],
  type: ["USAGE"],
};

/** Privileges are words of SQL and cannot be quoted, so only these pass. */
export const privilegeFailures = (given: Properties): Failure[] => {
  const allowed = ["ALL", ...(known[given.objectType as string] ?? [])];
  return strings(given.privileges)
    .filter((privilege) => !allowed.includes(privilege))
    .map((privilege) => ({
      property: "privileges",
      reason: `${privilege} is not an allowed privilege for object type ${String(given.objectType)}`,
    }));
};

/** Whether the granted privileges are those wanted; ALL means each there is for the kind of object. */
export const areGranted = (
  objectType: string,
  wanted: readonly string[],
  granted: readonly string[],
): boolean => {
  const all = wanted.includes("ALL") ? (known[objectType] ?? []) : wanted;
  return all.length === granted.length && all.every((privilege) => granted.includes(privilege));
};
