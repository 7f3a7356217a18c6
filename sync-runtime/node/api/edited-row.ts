import * as z from "zod";
import { ApiProblem, type InvalidField } from "./problem.ts";

/**
 * Columns of a row that an operator edited. A document comes as such, or as its text, which then stays as it is. A number
 * that JavaScript cannot hold exactly, a moment in nanoseconds say, has to come as a text.
 */
export const EditedRow = z
  .record(z.string(), z.unknown())
  .refine((row) => Object.keys(row).length > 0, { message: "Name a column at least" })
  .meta({ minProperties: 1 })
  .superRefine((row, context) => {
    for (const [column, value] of Object.entries(row))
      if (hasInexactNumber(value))
        context.addIssue({
          code: "custom",
          path: [column],
          message: "It has a number of more than 15 digits: write it, or the whole document, as a text",
        });
  });
export type EditedRow = z.infer<typeof EditedRow>;

/** A row of conflict-columns.sql. */
export const Column = z.object({ name: z.string(), hidden: z.boolean() });

/** Refuses columns that the table does not have, and such as hold credentials: those are neither shown nor set here. */
export function requireColumns(row: EditedRow, columns: readonly z.infer<typeof Column>[]): void {
  const known = new Map(columns.map((column) => [column.name, column]));
  const errors = Object.keys(row).flatMap((name): InvalidField[] => {
    const column = known.get(name);
    if (column && !column.hidden) return [];
    const detail = column ? "It holds credentials, which nobody edits here" : "The table has no such column";
    return [{ detail, pointer: `#/row/${encodeURIComponent(name)}` }];
  });
  if (errors.length === 0) return;
  const possible = columns.filter(({ hidden }) => !hidden).map(({ name }) => name);
  throw new ApiProblem(
    "invalid-request",
    `The row cannot be taken, see errors. Columns that can be edited: ${possible.join(", ")}.`,
    { errors },
  );
}

function hasInexactNumber(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasInexactNumber);
}
