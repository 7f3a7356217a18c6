import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { SyncSpec, TenantSpec } from "./fleet-config.ts";
import { agentDirectories, agentTls } from "./host/agent.ts";
import { type LayoutEntry, layoutLines } from "./host/layout.ts";
import { type TlsDirectory, trustFile } from "./host/tls-files.ts";
import { writerDirectories, writerTls, writtenTenants } from "./host/writer.ts";
import type { Machine } from "./machine/machine.ts";
import { alertmanagerDirectories, alertmanagerTls } from "./monitoring/alertmanager.ts";
import { prometheusDirectories, prometheusTls } from "./monitoring/prometheus.ts";
import { nodeDirectories, nodeTls } from "./sync/node.ts";
import { postgresDirectories, postgresTls } from "./sync/postgres.ts";

/** Arguments of {@link Trust}. */
export interface TrustArgs {
  authority: CertificateAuthority;
  /** Those of all hosts. */
  machines: Machine[];
  sync: SyncSpec;
  /** A host of one that is synced both ways has a writer, which believes as well. */
  tenants: TenantSpec[];
  /** Whether Prometheus and Alertmanager are there. */
  monitored: boolean;
}

/** Everything on one host that believes an authority. */
interface Believers {
  machine: Machine;
  directories: LayoutEntry[];
  tls: TlsDirectory[];
}

/**
 * Which authorities everybody believes, changed in an order in which nobody ever meets a certificate that it does not
 * know: first all believe the new ones beside those they have, then the certificates change, and last the former
 * authorities go. Each step waits for the whole of the one before it, on every host, and reads from the hosts' own
 * files where they are; so an `up` that ends anywhere leaves them able to talk, and the next one goes on.
 */
export class Trust extends pulumi.ComponentResource {
  private readonly authority: CertificateAuthority;
  private readonly believers: Believers[];

  /** To be made before anything that shows a certificate. */
  constructor(name: string, args: TrustArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Trust", name, {}, opts);
    this.authority = args.authority;
    this.believers = args.machines.map((machine) => believersOn(machine, args));
    for (const { machine, directories, tls } of this.believers) {
      const files = tls.map((directory) => trustFile("trust", directory, this.authority.certificate));
      this.authority.believed.push(this.write(name, machine, [...directories, ...files], []));
    }
  }

  /** The last step, to be declared when everything that shows a certificate is. */
  forgetFormer(name: string): void {
    for (const { machine, tls } of this.believers) {
      const files = tls.map((directory) => trustFile("trust-only", directory, this.authority.certificate));
      this.write(name, machine, files, this.authority.shown);
    }
    this.registerOutputs({});
  }

  private write(
    name: string,
    machine: Machine,
    entries: LayoutEntry[],
    dependsOn: pulumi.Resource[],
  ): command.local.Command {
    const { id, root } = machine.spec;
    const create = [{ script: "layout", variables: { ROOT: root } } as const];
    const args = { create, stdin: layoutLines(entries) };
    return machine.command(`${name}-${id}`, args, { parent: this, dependsOn });
  }
}

/** The agent of every host, the writer of one that has one, its nodes; on the control host the monitoring, and whoever connects to Postgres from there. */
const believersOn = (machine: Machine, { sync, tenants, monitored }: TrustArgs): Believers => {
  const host = machine.spec.id;
  const written = writtenTenants(host, tenants).length > 0;
  const own = {
    directories: [...agentDirectories, ...(written ? writerDirectories : [])],
    tls: [agentTls, ...(written ? [writerTls] : [])],
  };
  const first = host === sync.host;
  const nodes = sync.nodes.filter((node) => node.host === host).map(({ id }) => id);
  return {
    machine,
    directories: [
      ...[...own.directories, ...(first ? postgresDirectories : []), ...nodes.flatMap(nodeDirectories)],
      ...(first && monitored ? [...prometheusDirectories, ...alertmanagerDirectories] : []),
    ],
    tls: [
      ...[...own.tls, ...(first ? [postgresTls] : []), ...nodes.map(nodeTls)],
      ...(first && monitored ? [prometheusTls, alertmanagerTls] : []),
    ],
  };
};
