import * as z from "zod";
import { SILENCE_S } from "../job.ts";
import type { Postgres } from "../postgres.ts";

/** A row of cluster-nodes.sql, as the API answers it. */
export const ClusterNode = z.object({
  id: z.string(),
  leader: z.boolean(),
  /** Of the leader's lease; null for the others. */
  epoch: z.coerce.number().nullable(),
  seen_at: z.date(),
});

/** The nodes that were heard of lately. */
export const clusterNodes = async (postgres: Postgres): Promise<z.infer<typeof ClusterNode>[]> =>
  z.array(ClusterNode).parse(await postgres.rows("cluster-nodes", [SILENCE_S]));
