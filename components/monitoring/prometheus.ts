import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { LayoutEntry, Owner } from "../host/layout.ts";
import type { PlacedAgent } from "../sync/intent.ts";
import { alertmanagerHost, alertmanagerPort } from "./alertmanager.ts";
import { clientTls, monitorDirectories, monitorFiles, monitorTls, serverTls } from "./identity.ts";

/** Port of Prometheus inside its container. */
export const prometheusPort = 9090;

/** Prometheus runs as this user, which owns its data. */
export const prometheusUser: Owner = "9090:9090";

/** What Prometheus looks at. */
export interface Watched {
  stack: string;
  /** `node-a.main:9443` */
  nodes: { id: string; address: string }[];
  agents: Pick<PlacedAgent, "id" | "address">[];
}

/**
 * Series that no alert needs and that grow with every table of every tenant: 86,000 at a thousand tenants, most of what
 * Prometheus would hold. Nodes tell them to whoever asks.
 */
const perTable = "replica_rows|sync_rows_processed_total";

/** What /etc/fleet/prometheus.yml says; JSON is YAML. */
export function prometheusConfig({ stack, nodes, agents }: Watched): string {
  const tls = { scheme: "https", tls_config: clientTls };
  const target = (address: string, labels = {}) => ({ targets: [address], labels });
  const alertmanager = [target(`${alertmanagerHost(stack)}:${alertmanagerPort}`)];
  return JSON.stringify(
    {
      global: { scrape_interval: "30s", evaluation_interval: "15s", external_labels: { stack } },
      rule_files: ["/etc/fleet/rules.yaml"],
      alerting: { alertmanagers: [{ ...tls, static_configs: alertmanager }] },
      scrape_configs: [
        {
          ...{ job_name: "nodes", ...tls },
          static_configs: nodes.map(({ id, address }) => target(address, { node: id })),
          metric_relabel_configs: [{ source_labels: ["__name__"], regex: perTable, action: "drop" }],
        },
        {
          ...{ job_name: "agents", ...tls },
          static_configs: agents.map(({ id, address }) => target(address, { host: id })),
        },
        { job_name: "alertmanager", ...tls, static_configs: alertmanager },
      ],
    },
    undefined,
    2,
  );
}

/** The rules that are shipped. */
const rules = (): string => readFileSync(new URL("rules.yaml", import.meta.url), "utf8");

/** Its directories. What it has collected stays when it goes. */
export const prometheusDirectories = monitorDirectories("prometheus", prometheusUser);

/** Where its certificates lie. */
export const prometheusTls = monitorTls("prometheus", prometheusUser);

/** What it reads at its start. */
export const prometheusFiles = (watched: pulumi.Input<Watched>): LayoutEntry[] =>
  monitorFiles("prometheus", prometheusUser, {
    "prometheus.yml": pulumi.output(watched).apply(prometheusConfig),
    "rules.yaml": rules(),
    "web.yml": JSON.stringify({ tls_server_config: serverTls }),
  });

/** Settings of Prometheus, as arguments. `url` is where its alerts say they come from. */
export const prometheusArguments = (url: string): string[] => [
  "--config.file=/etc/fleet/prometheus.yml",
  "--web.config.file=/etc/fleet/web.yml",
  `--web.listen-address=0.0.0.0:${prometheusPort}`,
  `--web.external-url=${url}`,
  "--storage.tsdb.path=/data",
  // Two weeks tell what happened at the last weekend; whichever bound is met first counts.
  "--storage.tsdb.retention.time=15d",
  "--storage.tsdb.retention.size=1GB",
  "--log.format=json",
];
