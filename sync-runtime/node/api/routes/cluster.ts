import * as z from "zod";
import {
  Certificate,
  ClusterNode,
  certificatesOf,
  clusterNodes,
  Leader,
  lastLeaders,
} from "../cluster-view.ts";
import { route } from "../route.ts";

export const clusterRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/cluster",
      scope: "read",
      summary: "List the nodes, who leads, and who led before",
      description:
        "`leader` is null while nobody leads. `history` has the last 20 leaders, newest first. `certificates` are those that this node shows, believes, or was shown by agents and Postgres in the last week.",
      answer: z.object({
        nodes: z.array(ClusterNode),
        leader: Leader.omit({ until: true, ended: true }).nullable(),
        history: z.array(Leader),
        certificates: z.array(Certificate),
      }),
    },
    async (_, api) => {
      const [nodes, history] = [await clusterNodes(api), await lastLeaders(api)];
      const leader = history.find(({ until }) => until === null) ?? null;
      return { nodes, leader, history, certificates: certificatesOf(api) };
    },
  ),
];
