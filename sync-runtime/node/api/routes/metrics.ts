import * as z from "zod";
import { refreshClusterMetrics } from "../../cluster-metrics.ts";
import { refreshReplicaMetrics } from "../../replica-metrics.ts";
import { route } from "../route.ts";

export const metricsRoutes = [
  route(
    {
      method: "GET",
      path: "/metrics",
      scope: "read",
      watched: true,
      summary: "Give what the node counts, for Prometheus",
      description:
        "The stack's own monitoring needs no token: it shows its certificate, `urn:owui:monitor:<cluster>`.",
      answer: z.string(),
      contentType: "text/plain; version=0.0.4; charset=utf-8",
    },
    async (_, { metrics, postgres, log, states }) => {
      metrics.stateLag.set(states.lag);
      // While Postgres is away they stay as they were; what this node counts is told all the same.
      await Promise.all([
        refreshReplicaMetrics(metrics, postgres),
        refreshClusterMetrics(metrics, postgres),
      ]).catch((error) => log.warn({ err: error }, "metrics of replicas were not refreshed"));
      return metrics.registry.metrics();
    },
  ),
];
