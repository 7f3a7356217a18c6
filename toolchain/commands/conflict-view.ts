import * as z from "zod";

/** A conflict as the nodes' API tells it; see docs/openapi.json. */
export const Conflict = z.object({
  id: z.string(),
  client: z.string(),
  table: z.string(),
  key: z.record(z.string(), z.string().nullable()).nullable(),
  type: z.string(),
  strategy: z.string(),
  winner: z.enum(["source", "remote", "merged", "pending"]),
  why: z.string(),
  edited_at: z.string(),
  edited_by: z.string(),
  detected_at: z.string(),
  job: z.string(),
  decided_by: z.string(),
  resolved_at: z.string().nullable(),
  accepted: z.enum(["source", "remote"]).nullable(),
  edited: z.boolean(),
  superseded_by: z.string().nullable(),
  // Nodes of the version before tell nothing of these.
  written_at: z.string().nullable().default(null),
  written_by: z.string().nullable().default(null),
  converged_at: z.string().nullable().default(null),
  refused: z.object({ code: z.string(), text: z.string() }).nullable().default(null),
  rows: z.object({
    base: z.boolean(),
    source: z.boolean(),
    remote: z.boolean(),
    result: z.boolean().nullable(),
  }),
});
export type Conflict = z.infer<typeof Conflict>;

const Shown = z.object({ text: z.string(), size: z.number() }).nullable();
export type Shown = z.infer<typeof Shown>;
const versions = { base: Shown, source: Shown, remote: Shown, result: Shown };

const Field = z.object({
  column: z.string(),
  type: z.string(),
  changed_by: z.array(z.string()),
  hidden: z.boolean(),
  ...versions,
  paths: z.array(z.object({ path: z.string(), ...versions })).optional(),
  more: z.number().optional(),
});
export type Field = z.infer<typeof Field>;

/** One conflict field by field. */
export const ConflictDiff = z.object({ conflict: Conflict, fields: z.array(Field) });
export type ConflictDiff = z.infer<typeof ConflictDiff>;
