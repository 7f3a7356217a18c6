import * as z from "zod";
import { clusterNodes } from "../cluster-view.ts";
import { route } from "../route.ts";

const Health = z.object({
  /** degraded: nobody leads, or this node does not reach Postgres to know. */
  status: z.enum(["ok", "degraded"]),
  node: z.string(),
  is_leader: z.boolean(),
  leader_id: z.string().nullable(),
  /** Of the leader's lease. */
  epoch: z.number().nullable(),
});

export const healthRoutes = [
  route(
    {
      method: "GET",
      path: "/health",
      scope: "public",
      summary: "Say that the node lives, and who leads",
      description:
        "Answers 200 as long as the process does its work, also while Postgres is away: then `status` is `degraded`. Tells nothing about tenants.",
      answer: Health,
    },
    async (_, api) => {
      // A node that cannot reach Postgres is alive and answers; it just leads nobody.
      const leader = (await clusterNodes(api).catch(() => undefined))?.find(({ leader }) => leader);
      return {
        status: leader ? "ok" : "degraded",
        node: api.node,
        is_leader: api.lease.epoch !== undefined,
        leader_id: leader?.id ?? null,
        epoch: leader?.epoch ?? null,
      };
    },
  ),
];
