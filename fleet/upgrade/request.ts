import * as z from "zod";

/** A version of Open WebUI, and the image that holds it. */
const Side = z.object({
  /** `v0.11.3` */
  version: z.string(),
  /** As the tenant's container names it. */
  image: z.string(),
  /** `version` of the tenant's entry; null: it has none. */
  written: z.string().nullable(),
});
export type Side = z.infer<typeof Side>;

/** What a change of version is asked for; kept with the operation. */
export const ChangeRequest = z.object({
  from: Side,
  to: Side,
  /** Folder with the database that `to` is to have: a rollback. Null: the one there is, migrated. */
  put: z.string().nullable(),
  /** Since when `put` lies there, in seconds since 1970. */
  since: z.number().nullable(),
  /** Nobody is asked. */
  yes: z.boolean(),
  /** Rows that the new version loses in the rehearsal may be lost. */
  acceptLosses: z.boolean(),
});
export type ChangeRequest = z.infer<typeof ChangeRequest>;

const Loss = z.object({ table: z.string(), before: z.number(), after: z.number().nullable() });

/** What a rehearsal saw; sizes in bytes. */
export const Rehearsal = z.object({
  version: z.string().nullable(),
  bytes: z.number(),
  copySeconds: z.number(),
  /** From the start of its container until it answered, migrations among it. */
  startSeconds: z.number(),
  tables: z.number(),
  losses: z.array(Loss),
  /** How long users will wait, in seconds. */
  expectedSeconds: z.number(),
});
export type Rehearsal = z.infer<typeof Rehearsal>;

/** Ids of the images of both sides, as the host's engine has them. */
export const Images = z.object({ from: z.string(), to: z.string() });
export type Images = z.infer<typeof Images>;

/** What the steps of a change of version find out. */
export const ChangeFound = z.object({
  rehearsal: Rehearsal.optional(),
  images: Images.optional(),
  /** How long it did not answer, in seconds; null: nobody measured it, because its runner died meanwhile. */
  downtimeSeconds: z.number().nullable().optional(),
});
export type ChangeFound = z.infer<typeof ChangeFound>;
