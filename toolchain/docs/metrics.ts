import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Registry } from "prom-client";
import { Metrics as AgentMetrics } from "../../sync-runtime/agent/metrics.ts";
import type { Told } from "../../sync-runtime/node/metric-text.ts";
import { Metrics as NodeMetrics } from "../../sync-runtime/node/metrics.ts";
import { replicaRows } from "../../sync-runtime/node/replica-rows.ts";
import { RowsProcessed } from "../../sync-runtime/node/rows-processed.ts";
import { SyncDurations } from "../../sync-runtime/node/sync-durations.ts";
import { Metrics as WriterMetrics } from "../../sync-runtime/writer/metrics.ts";

/** `npm run docs` writes docs/metrics.md from what nodes, agents and writers count; a test asserts it is current. */
export const metricsFile = resolve(import.meta.dirname, "../../docs/metrics.md");

const preface = `<!-- Written by \`npm run docs\` from the programs' own registries. -->
# Metrics

What nodes, agents and writers tell, in Prometheus' text format, at \`/metrics\`. The names are an interface. Nodes want a token with the
scope \`read\` or the monitoring's certificate, agents and writers that certificate or a node's ([alerts.md](alerts.md)). A client is a tenant.
What is known of replicas and of the cluster comes from Postgres, so that every node tells the same; take \`max by (client)\`.
`;

/** The reference, whole. */
export const metricsReference = (): string =>
  [
    preface,
    section("Nodes", new NodeMetrics().registry, RowsProcessed.told, SyncDurations.told, replicaRows),
    section("Agents", new AgentMetrics("/", async () => 0, []).registry),
    section("Writers", new WriterMetrics([]).registry),
  ].join("\n");

/** @param more what is told besides what the registry keeps */
const section = (title: string, registry: Registry, ...more: Told[]): string =>
  [
    `## ${title}`,
    "",
    "| metric | type | meaning |",
    "|---|---|---|",
    // prom-client keeps labels and type without saying so in its types.
    ...[...(registry.getMetricsAsArray() as unknown as Told[]), ...more]
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(row),
    "",
  ].join("\n");

const row = ({ name, help, type, labelNames }: Told): string => {
  const labels = labelNames.length > 0 ? `{${labelNames.join(",")}}` : "";
  return `| \`${name}${labels}\` | ${type} | ${help.replaceAll("|", "\\|").replace(/\.$/, "")} |`;
};

if (import.meta.main) {
  writeFileSync(metricsFile, metricsReference());
  console.log("docs/metrics.md was written from what nodes, agents and writers count.");
}
