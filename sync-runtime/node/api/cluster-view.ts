import * as z from "zod";
import { silenceOf } from "../lease-timing.ts";
import type { NodeContext } from "../node-context.ts";

/** How many leaders the history names. */
const LEADERS = 20;

/** A row of cluster-nodes.sql, as the API answers it. */
export const ClusterNode = z.object({
  id: z.string(),
  leader: z.boolean(),
  /** Of the leader's lease; null for the others. */
  epoch: z.coerce.number().nullable(),
  seen_at: z.date(),
});

/** A row of leader-history.sql, as the API answers it. */
export const Leader = z.object({
  epoch: z.coerce.number(),
  node: z.string(),
  /** The process that led: a node has another one after each start. */
  run: z.string(),
  from: z.date(),
  /** Null while it leads. */
  until: z.date().nullable(),
  /** How it ended: given back by its holder, or not renewed in time. */
  ended: z.enum(["released", "expired"]).nullable(),
  /** Seconds since it began, by Postgres' clock. */
  age: z.number(),
});

type Asked = Pick<NodeContext, "postgres" | "timing">;

/** The nodes that were heard of lately. */
export const clusterNodes = async ({ postgres, timing }: Asked): Promise<z.infer<typeof ClusterNode>[]> =>
  z.array(ClusterNode).parse(await postgres.rows("cluster-nodes", [silenceOf(timing)]));

/** Who led last, newest first. */
export const lastLeaders = async ({ postgres }: Asked): Promise<z.infer<typeof Leader>[]> =>
  z.array(Leader).parse(await postgres.rows("leader-history", [LEADERS]));
