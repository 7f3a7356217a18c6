import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority, Identity } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { bind, type FleetContainer, fleetContainer, listensTest, loopbackPort } from "./container.ts";
import type { MonitoringSpec, SyncSpec } from "./fleet-config.ts";
import { type LayoutEntry, layoutLines } from "./host/layout.ts";
import type { TlsDirectory } from "./host/tls-files.ts";
import * as alertmanager from "./monitoring/alertmanager.ts";
import { askerSubject, monitorSubject } from "./monitoring/identity.ts";
import * as prometheus from "./monitoring/prometheus.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link Monitoring}. */
export interface MonitoringArgs {
  stack: string;
  /** The control host, where it runs. */
  host: ClientHost;
  spec: MonitoringSpec;
  /** The cluster it watches, and where its nodes answer. */
  sync: Pick<SyncSpec, "cluster">;
  nodes: { id: string; address: pulumi.Input<string> }[];
  /** The hosts whose agents it watches. */
  hosts: Pick<ClientHost, "spec" | "agentAddress">[];
  /** False: neither container is declared; what they have stored stays. */
  running: boolean;
  authority: CertificateAuthority;
  /** Changes a child just before it is declared. */
  transform?: {
    prometheus?: Transform<docker.ContainerArgs>;
    alertmanager?: Transform<docker.ContainerArgs>;
  };
}

/** Where the two answer, and what they ask to see. */
export interface MonitoringAccess extends Identity {
  prometheus: string;
  alertmanager: string;
}

/** What one of the two finds below /etc/fleet. */
interface MonitorHome {
  directories: LayoutEntry[];
  files: LayoutEntry[];
  tls: TlsDirectory;
}

/** What watches the fleet: Prometheus collects and decides, Alertmanager delivers. */
export class Monitoring extends pulumi.ComponentResource {
  readonly access: MonitoringAccess;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Monitoring", name, {}, opts);
    const { spec, sync, authority } = args;
    this.access = {
      ...authority.issue(`${name}-asker`, askerSubject(sync.cluster), this),
      prometheus: `https://localhost:${spec.prometheus.port}`,
      alertmanager: `https://localhost:${spec.alertmanager.port}`,
    };
    this.deliver(name, args);
    this.watch(name, args);
    this.registerOutputs({});
  }

  /** Alertmanager, and who hears of alerts. */
  private deliver(name: string, args: MonitoringArgs): void {
    const { stack, spec, host, transform } = args;
    const home = {
      directories: alertmanager.alertmanagerDirectories,
      files: alertmanager.alertmanagerFiles(spec.alerts),
      tls: alertmanager.alertmanagerTls,
    };
    this.run(`${name}-alertmanager`, args, home, transform?.alertmanager, {
      identity: { stack, role: "alertmanager" },
      image: host.image("prom/alertmanager:v0.25.0"),
      entrypoints: ["sh", "/etc/fleet/start.sh"],
      tmpfs: { "/tmp": "size=1m" },
      command: alertmanager.alertmanagerArguments(this.access.alertmanager),
      user: alertmanager.alertmanagerUser,
      ports: [loopbackPort(alertmanager.alertmanagerPort, spec.alertmanager.port)],
      memory: { limit: 128 * 2 ** 20 },
      health: healthOf(alertmanager.alertmanagerPort),
    });
  }

  /** Prometheus, and what it looks at. */
  private watch(name: string, args: MonitoringArgs): void {
    const { stack, spec, nodes, hosts, host, transform } = args;
    const watched = pulumi.output({
      ...{ stack, nodes },
      agents: hosts.map(({ spec: { id }, agentAddress }) => ({ id, address: agentAddress })),
    });
    const home = {
      directories: prometheus.prometheusDirectories,
      files: prometheus.prometheusFiles(watched),
      tls: prometheus.prometheusTls,
    };
    this.run(`${name}-prometheus`, args, home, transform?.prometheus, {
      identity: { stack, role: "prometheus" },
      image: host.image("prom/prometheus:v2.42.0"),
      entrypoints: ["prometheus"],
      command: prometheus.prometheusArguments(this.access.prometheus),
      user: prometheus.prometheusUser,
      // Collects garbage earlier instead of being killed.
      envs: ["GOMEMLIMIT=400MiB"],
      ports: [loopbackPort(prometheus.prometheusPort, spec.prometheus.port)],
      memory: { limit: 512 * 2 ** 20 },
      health: healthOf(prometheus.prometheusPort),
    });
  }

  /** Writes what one of the two reads, and starts it; anew when that changes, but for its certificates. */
  private run(
    name: string,
    { stack, host, sync, authority, running }: MonitoringArgs,
    { directories, files, tls }: MonitorHome,
    transform: Transform<docker.ContainerArgs> | undefined,
    own: Omit<FleetContainer, "identity"> & {
      identity: { stack: string; role: "prometheus" | "alertmanager" };
    },
  ): void {
    const { role } = own.identity;
    const home = host.layout(`${name}-home`, [...directories, ...files], { parent: this });
    const certificate = { authority, subject: monitorSubject(stack, role, sync.cluster), directory: tls };
    const written = host.certify(name, certificate, { parent: this, dependsOn: [home] });
    if (!running) return;
    const args = fleetContainer({
      ...own,
      labels: { "owui.files": host.fingerprint(layoutLines(files)) },
      networksAdvanced: host.besideAgent,
      mounts: [
        bind(host.path("monitoring", role), "/etc/fleet"),
        bind(host.path("monitoring", `${role}-data`), "/data", "read-write"),
      ],
      readOnly: true,
    });
    new docker.Container(name, transformed(transform, args), host.inEngine(this, [written]));
  }
}

const healthOf = (port: number) => ({ test: listensTest(port), startPeriod: "30s", interval: "3s" });
