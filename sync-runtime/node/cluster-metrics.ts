import * as z from "zod";
import type { Metrics } from "./metrics.ts";
import type { Postgres } from "./postgres.ts";

/** The row of cluster-metrics.sql. */
const ClusterFacts = z.object({
  /** Seconds. */
  queue_oldest: z.number(),
  hosts: z.array(z.string()),
  cluster: z.string().nullable(),
  epoch: z.number().nullable(),
});

/** Brings the gauges about the cluster as a whole to what Postgres knows. One query for each scrape. */
export async function refreshClusterMetrics(
  {
    queueOldest,
    leaseEpoch,
    agentUnreachable,
  }: Pick<Metrics, "queueOldest" | "leaseEpoch" | "agentUnreachable">,
  postgres: Pick<Postgres, "rows">,
): Promise<void> {
  const [row] = await postgres.rows("cluster-metrics");
  const { queue_oldest, hosts, cluster, epoch } = ClusterFacts.parse(row);
  queueOldest.set(queue_oldest);
  if (cluster !== null && epoch !== null) leaseEpoch.set({ cluster }, epoch);
  // Nobody asks an agent any more whose host has no tenant: what was last seen of it is not told for ever.
  for (const { labels } of (await agentUnreachable.get()).values)
    if (!hosts.includes(String(labels.host))) agentUnreachable.remove(labels);
}
