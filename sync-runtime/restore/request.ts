import * as z from "zod";

/** Where the replicas are, and who asks: a login of the cluster, or the admin of the database. */
export const Connection = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65535),
  database: z.string().min(1),
  user: z.string().min(1),
  password: z.string(),
  /** Certificate(s) in PEM that the server's must chain to; without it the connection is not encrypted. */
  ca: z.string().startsWith("-----BEGIN").optional(),
});
export type Connection = z.infer<typeof Connection>;

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
