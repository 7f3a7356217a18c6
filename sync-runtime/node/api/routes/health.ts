import * as z from "zod";
import { clusterNodes } from "../cluster-view.ts";
import { ApiProblem } from "../problem.ts";
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
  route(
    {
      method: "GET",
      path: "/ready",
      scope: "public",
      summary: "Say whether the node can do its work",
      description: "503 until Postgres answers and the node's certificate is valid.",
      answer: z.object({ status: z.literal("ready"), node: z.string() }),
      problems: ["not-ready"],
    },
    async (_, api) => {
      const { validFromDate, validToDate } = api.certificate();
      const now = new Date();
      if (now < validFromDate || now > validToDate)
        throw new ApiProblem(
          "not-ready",
          `The node's certificate is valid from ${validFromDate.toISOString()} to ${validToDate.toISOString()} only. Run up, and look at the clock.`,
        );
      await clusterNodes(api).catch(() => {
        throw new ApiProblem("not-ready", "Postgres does not answer the node.");
      });
      return { status: "ready", node: api.node };
    },
  ),
];
