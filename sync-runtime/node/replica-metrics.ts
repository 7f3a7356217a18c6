import * as z from "zod";
import type { Metrics } from "./metrics.ts";
import type { Postgres } from "./postgres.ts";

/** One row of replica-metrics.sql. */
const ReplicaFacts = z.object({
  tenant: z.string(),
  /** Seconds since 1970. */
  verified: z.number().nullable(),
  deep_verified: z.number().nullable(),
  held: z.boolean(),
  differences: z.coerce.number(),
  tables: z.array(z.object({ table: z.string(), rows: z.number(), odd: z.number() })),
});

/**
 * Brings the gauges about replicas to what Postgres knows of all the cluster's tenants: they are the same on every node
 * and right after a restart, whoever did the syncs. One query for each scrape.
 */
export async function refreshReplicaMetrics(
  metrics: Metrics,
  postgres: Pick<Postgres, "rows">,
): Promise<void> {
  const replicas = z.array(ReplicaFacts).parse(await postgres.rows("replica-metrics"));
  const { verified, deepVerified, held, differences, replicaRows, unrepresentable } = metrics;
  for (const gauge of [verified, deepVerified, held, differences, replicaRows, unrepresentable])
    gauge.reset();
  for (const replica of replicas) {
    const client = replica.tenant;
    if (replica.verified !== null) verified.set({ client }, replica.verified);
    if (replica.deep_verified !== null) deepVerified.set({ client }, replica.deep_verified);
    held.set({ client }, Number(replica.held));
    differences.set({ client }, replica.differences);
    for (const { table, rows, odd } of replica.tables) {
      replicaRows.set({ client, table }, rows);
      unrepresentable.set({ client, table }, odd);
    }
  }
}
