import * as z from "zod";

/** What a promotion is asked for; kept with the operation, so it holds no secret. */
export const PromotionRequest = z.object({
  /** `postgresql://user@host:5432/database`, without the password. */
  url: z.string(),
  /** Rows that violate the strict schema are left out. */
  leaveOut: z.boolean(),
  /** What the target holds may be replaced. */
  force: z.boolean(),
  /** Nobody is asked. */
  yes: z.boolean(),
});
export type PromotionRequest = z.infer<typeof PromotionRequest>;

/** What a promotion to Postgres came to while its tenant served. */
const Rehearsal = z.object({
  rows: z.number(),
  tables: z.number(),
  /** Rows that violate the schema, and are left out. */
  leftOut: z.number(),
  seconds: z.number(),
});

/** What its steps find out. */
export const PromotionFound = z.object({
  rehearsal: Rehearsal.optional(),
  /** Id of the container that serves on SQLite. */
  container: z.string().optional(),
  /** ISO 8601: since when nobody is served. */
  stoppedAt: z.string().optional(),
  /** ISO 8601: the end of what wrote what was synced last. */
  endedAt: z.string().optional(),
  /** How long the filling took, in seconds. */
  fillSeconds: z.number().optional(),
  /** Rows of each table as they were filled and read back. */
  rows: z.record(z.string(), z.number()).optional(),
  /** File with everything about the filling, on the machine that did it. */
  report: z.string().optional(),
  /** How long nobody was served, in seconds; null: nobody measured it. */
  downtime: z.number().nullable().optional(),
});
export type PromotionFound = z.infer<typeof PromotionFound>;
