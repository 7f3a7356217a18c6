import * as z from "zod";
import { Connection } from "../database/connection.ts";

/** What main.ts reads from its standard input. */
export const RestoreRequest = z.strictObject({
  connection: Connection,
  tenant: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "a tenant's id"),
  /** The file to be made. */
  to: z.string().min(1),
  /** Whether it may take the place of one that is there. */
  force: z.boolean().default(false),
  /** Whether a replica is restored that the nodes hold. */
  held: z.boolean().default(false),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;
