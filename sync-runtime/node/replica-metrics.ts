import * as z from "zod";
import { activeUsers } from "./active-users.ts";
import type { Metrics } from "./metrics.ts";
import type { Postgres } from "./postgres.ts";

/** One row of replica-metrics.sql. */
const ReplicaFacts = z.object({
  tenant: z.string(),
  host: z.string(),
  licence: z.object({ basis: z.string(), users: z.number() }).nullable(),
  /** Seconds. */
  interval: z.number().nullable(),
  /** Seconds since 1970. */
  verified: z.number().nullable(),
  deep_verified: z.number().nullable(),
  held: z.boolean(),
  quarantined: z.boolean(),
  differences: z.coerce.number(),
  /** Rows that differ from the source by decision. */
  decided: z.coerce.number(),
  /** Whether decided rows are not written into the source; null where they never are. */
  write_refused: z.boolean().nullable(),
  /** Conflicts that wait for an operator. */
  waiting: z.coerce.number(),
  users: z.coerce.number().nullable(),
  /** Tables with rows that Postgres cannot hold. */
  unrepresentable: z.array(z.object({ table: z.string(), rows: z.number() })),
});

/**
 * Brings the gauges about replicas to what Postgres knows of all the cluster's tenants: they are the same on every node
 * and right after a restart, whoever did the syncs. Two queries for each scrape.
 */
export async function refreshReplicaMetrics(
  metrics: Metrics,
  postgres: Pick<Postgres, "rows">,
): Promise<void> {
  const replicas = z.array(ReplicaFacts).parse(await postgres.rows("replica-metrics"));
  const { interval, verified, deepVerified, held, quarantined, differences, decided, conflictsWaiting } =
    metrics;
  const active = await activeUsers(postgres);
  const { unrepresentable, users, licensed, writeRefused } = metrics;
  const byTenant = [
    interval,
    verified,
    deepVerified,
    held,
    quarantined,
    differences,
    decided,
    conflictsWaiting,
    writeRefused,
  ];
  for (const gauge of [...byTenant, unrepresentable, users, licensed, metrics.activeUsers]) gauge.reset();
  metrics.allActiveUsers.set(active.all);
  for (const { client, users } of active.tenants) metrics.activeUsers.set({ client }, users);
  for (const replica of replicas) {
    const client = replica.tenant;
    // One object for all of a tenant's gauges, which each keep it.
    const labels = { client };
    if (replica.interval !== null) interval.set({ client, host: replica.host }, replica.interval);
    if (replica.verified !== null) verified.set(labels, replica.verified);
    if (replica.deep_verified !== null) deepVerified.set(labels, replica.deep_verified);
    held.set(labels, Number(replica.held));
    quarantined.set(labels, Number(replica.quarantined));
    differences.set(labels, replica.differences);
    decided.set(labels, replica.decided);
    conflictsWaiting.set(labels, replica.waiting);
    if (replica.write_refused !== null) writeRefused.set(labels, Number(replica.write_refused));
    if (replica.licence) licensed.set({ client, basis: replica.licence.basis }, replica.licence.users);
    if (replica.users !== null) users.set(labels, replica.users);
    for (const { table, rows } of replica.unrepresentable) unrepresentable.set({ client, table }, rows);
  }
}
