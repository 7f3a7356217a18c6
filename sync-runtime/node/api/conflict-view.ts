import * as z from "zod";
import { Strategy } from "../../database/conflicts.ts";
import { CONFLICT_TYPES } from "../conflict/conflict-type.ts";
import { Field } from "../conflict/field-diff.ts";

/** A row of conflicts.sql, as the API answers it. */
export const Conflict = z.object({
  id: z.string(),
  client: z.string(),
  table: z.string(),
  key: z
    .record(z.string(), z.string().nullable())
    .nullable()
    .describe("Columns as text, their first 200 characters; null where the table has no key"),
  type: z
    .enum(CONFLICT_TYPES)
    .describe("What the source did with the row, and what others did with its copy"),
  strategy: Strategy,
  winner: z
    .enum(["source", "remote", "merged", "pending"])
    .describe("pending: the source's row stands in the replica until an operator decides"),
  why: z.string(),
  edited_at: z.date(),
  edited_by: z.string().describe("The role of Postgres that changed the copy last"),
  detected_at: z.date(),
  job: z.string().describe("The job that found it"),
  decided_by: z.string().describe("`rule`, or who decided"),
  resolved_at: z.date().nullable(),
  accepted: z
    .enum(["source", "remote"])
    .nullable()
    .describe("An operator's word that no sync applied yet; null where there is none"),
  edited: z.boolean().describe("It is about a row that the operator edited"),
  superseded_by: z
    .string()
    .nullable()
    .describe("The conflict that took its place, since the row changed once more"),
  written_at: z
    .date()
    .nullable()
    .describe("When the row that won was written into the tenant's own database; null: it was not"),
  written_by: z.string().nullable().describe("The host whose writer did that"),
  converged_at: z.date().nullable().describe("When a sync found that the source has that row"),
  refused: z
    .object({ code: z.string(), text: z.string() })
    .nullable()
    .describe("Why the tenant's own database would not have the row that won"),
  refused_at: z.date().nullable(),
  rows: z
    .object({
      base: z.boolean(),
      source: z.boolean(),
      remote: z.boolean(),
      result: z.boolean().nullable().describe("null: nothing is decided"),
    })
    .describe("In which versions the row is there"),
});
export type Conflict = z.infer<typeof Conflict>;

/** One conflict, field by field. */
export const ConflictDiff = z.object({
  conflict: Conflict,
  fields: z.array(Field).describe("Those that are not the same in every version"),
});
