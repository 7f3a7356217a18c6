import { readFileSync } from "node:fs";
import { dockerName } from "../container.ts";
import type { AlertsSpec, MailSpec } from "../fleet-config.ts";
import type { LayoutEntry, Owner } from "../host/layout.ts";
import { monitorDirectories, monitorFiles, monitorTls, serverTls } from "./identity.ts";

/** Port of Alertmanager inside its container. */
export const alertmanagerPort = 9093;

/** Alertmanager runs as this user, which owns its data. */
export const alertmanagerUser: Owner = "9093:9093";

/** Name of Alertmanager on the network it shares with Prometheus. */
export const alertmanagerHost = (stack: string): string => dockerName({ stack, role: "alertmanager" });

/** An alert that says why another one fires: the other is not told of while both are about the same `equal`. */
const inhibitions = [
  because("NoLeader", "ReplicaUnverified|ReplicaNeverVerified|QueueOld"),
  because("AgentUnreachable", "ReplicaUnverified|ReplicaNeverVerified", "host"),
  because("ReplicaHeld", "ReplicaUnverified", "client"),
  because("DiskAlmostFull", "DiskFilling", "host"),
];

function because(cause: string, effects: string, ...equal: string[]) {
  return {
    source_matchers: [`alertname = "${cause}"`],
    target_matchers: [`alertname =~ "${effects}"`],
    equal,
  };
}

/**
 * What /etc/fleet/alertmanager.yml says; JSON is YAML. Alerts of one kind are one message: an outage of a host with fifty
 * tenants is a mail that lists fifty. The version there is takes a webhook's address from no file of its own, so the
 * whole of this is secret.
 */
export const alertmanagerConfig = ({ mail, webhook, heartbeat }: AlertsSpec): string =>
  JSON.stringify(
    {
      route: {
        receiver: "operators",
        group_by: ["stack", "alertname"],
        group_wait: "10s",
        group_interval: "5m",
        repeat_interval: "4h",
        routes: [
          {
            matchers: [`alertname = "Watchdog"`],
            receiver: heartbeat ? "heartbeat" : "nobody",
            group_wait: "0s",
            // A message goes out at each group_interval behind which repeat_interval has passed.
            group_interval: `${heartbeat?.every ?? 300}s`,
            repeat_interval: `${Math.ceil((heartbeat?.every ?? 300) / 2)}s`,
          },
          // One test is one message, also behind another one.
          { matchers: [`alertname = "Test"`], group_by: ["..."], group_wait: "0s" },
          { matchers: [`severity = "info"`], repeat_interval: "4d" },
        ],
      },
      inhibit_rules: inhibitions,
      receivers: [
        {
          name: "operators",
          ...(mail ? { email_configs: [mailReceiver(mail)] } : {}),
          ...(webhook ? { webhook_configs: [{ url: webhook.url, send_resolved: true }] } : {}),
        },
        { name: "nobody" },
        ...(heartbeat
          ? [{ name: "heartbeat", webhook_configs: [{ url: heartbeat.url, send_resolved: false }] }]
          : []),
      ],
    },
    undefined,
    2,
  );

const mailReceiver = ({ host, port, from, to, user, tls }: MailSpec) => ({
  smarthost: `${host}:${port}`,
  from,
  to: to.join(", "),
  ...(user === undefined
    ? {}
    : { auth_username: user, auth_identity: "", auth_password_file: "/etc/fleet/mail-password" }),
  require_tls: tls,
  send_resolved: true,
  headers: {
    Subject:
      "[{{ .CommonLabels.stack }}] {{ .CommonLabels.alertname }} {{ .Status }}{{ if gt (len .Alerts) 1 }} ({{ len .Alerts }}){{ end }}",
  },
  html: "",
  text: [
    "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}",
    `  {{ .Labels.severity }}, since {{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}; {{ .Annotations.runbook }}`,
    "{{ end }}",
  ].join("\n"),
});

/** Its directories. What it was told to be silent about stays when it goes. */
export const alertmanagerDirectories = monitorDirectories("alertmanager", alertmanagerUser);

/** Where its certificates lie. */
export const alertmanagerTls = monitorTls("alertmanager", alertmanagerUser);

/** What it reads at its start. */
export const alertmanagerFiles = (alerts: AlertsSpec): LayoutEntry[] =>
  monitorFiles("alertmanager", alertmanagerUser, {
    "alertmanager.yml": alertmanagerConfig(alerts),
    ...(alerts.mail?.user === undefined ? {} : { "mail-password": alerts.mail.password }),
    "web.yml": JSON.stringify({ tls_server_config: serverTls }),
    "start.sh": readFileSync(new URL("start-alertmanager.sh", import.meta.url), "utf8"),
  });

/** Settings of Alertmanager, as arguments. `url` is what its messages lead to. */
export const alertmanagerArguments = (url: string): string[] => [
  "--config.file=/etc/fleet/alertmanager.yml",
  "--web.config.file=/etc/fleet/web.yml",
  `--web.listen-address=0.0.0.0:${alertmanagerPort}`,
  `--web.external-url=${url}`,
  "--storage.path=/data",
  // It is alone: no port for others of its kind.
  "--cluster.listen-address=",
  "--log.format=json",
];
