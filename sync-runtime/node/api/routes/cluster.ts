import * as z from "zod";
import { ClusterNode, clusterNodes } from "../cluster-view.ts";
import { route } from "../route.ts";

export const clusterRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/cluster",
      scope: "read",
      summary: "List the nodes and who leads",
      answer: z.object({ nodes: z.array(ClusterNode) }),
    },
    async (_, { postgres }) => ({ nodes: await clusterNodes(postgres) }),
  ),
];
