import * as z from "zod";

/** Where the replicas are, and who asks: a login of a cluster, or the admin of the database. */
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
