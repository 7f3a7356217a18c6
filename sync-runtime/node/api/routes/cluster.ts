import * as z from "zod";
import { ClusterNode, clusterNodes, Leader, lastLeaders } from "../cluster-view.ts";
import { route } from "../route.ts";

export const clusterRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/cluster",
      scope: "read",
      summary: "List the nodes, who leads, and who led before",
      description: "`leader` is null while nobody leads. `history` has the last 20 leaders, newest first.",
      answer: z.object({
        nodes: z.array(ClusterNode),
        leader: Leader.omit({ until: true, ended: true }).nullable(),
        history: z.array(Leader),
      }),
    },
    async (_, api) => {
      const [nodes, history] = [await clusterNodes(api), await lastLeaders(api)];
      return { nodes, leader: history.find(({ until }) => until === null) ?? null, history };
    },
  ),
];
