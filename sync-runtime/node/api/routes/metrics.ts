import { Readable } from "node:stream";
import * as z from "zod";
import { refreshClusterMetrics } from "../../cluster-metrics.ts";
import { registryText } from "../../metric-text.ts";
import { refreshReplicaMetrics } from "../../replica-metrics.ts";
import { replicaRowsText } from "../../replica-rows.ts";
import { type ApiContext, route } from "../route.ts";

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
    async (_, api) => Readable.from(exposition(api)),
  ),
];

/** All that the node tells. While Postgres is away its own counts are told, and the gauges as they were. */
async function* exposition({ metrics, postgres, log, states }: ApiContext): AsyncGenerator<string> {
  const missing = (error: unknown) => log.warn({ err: error }, "metrics of replicas were not refreshed");
  metrics.stateLag.set(states.lag);
  await Promise.all([
    refreshReplicaMetrics(metrics, postgres),
    refreshClusterMetrics(metrics, postgres),
  ]).catch(missing);
  yield* registryText(metrics.registry);
  yield* metrics.duration.text();
  yield* metrics.rowsProcessed.text();
  try {
    yield* replicaRowsText(postgres);
  } catch (error) {
    missing(error);
  }
}
