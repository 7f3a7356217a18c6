import type { Meeting } from "./meeting.ts";
import { isSameRow, type RowImage } from "./row-image.ts";

/** What the source did with a row, and what others did with its copy. */
export const CONFLICT_TYPES = [
  "update/update",
  "update/delete",
  "delete/update",
  "insert/insert",
  "none/update",
  "none/delete",
  "none/insert",
] as const;
export type ConflictType = (typeof CONFLICT_TYPES)[number];

/**
 * What kind of conflict a meeting is. Undefined: there is none, because both rows are the same (both may be gone), or
 * because the copy is what was verified and only the source went on.
 */
export function conflictType({
  base,
  source,
  remote,
}: Pick<Meeting, "base" | "source" | "remote">): ConflictType | undefined {
  if (isSameRow(source, remote) || isSameRow(base, remote)) return undefined;
  return `${change(base, source)}/${change(base, remote)}` as ConflictType;
}

function change(before: RowImage, after: RowImage): "none" | "insert" | "update" | "delete" {
  if (isSameRow(before, after)) return "none";
  if (!before) return "insert";
  return after ? "update" : "delete";
}
