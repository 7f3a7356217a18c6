import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { fleetContainer, listensTest, loopbackPort } from "./container.ts";
import type { SyncSpec } from "./fleet-config.ts";
import * as host from "./host/writer.ts";
import { entryPoint } from "./runtime-image.ts";
import type { Tenant } from "./tenant.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link Writer}. */
export interface WriterArgs {
  stack: string;
  /** The host it runs on. */
  host: ClientHost;
  /** The tenants into whose databases it writes: such that chose it, at least one, all on that host. */
  tenants: Pick<Tenant, "spec" | "home">[];
  /** The sync cluster whose nodes, and no others, it answers. */
  cluster: Pick<SyncSpec, "cluster" | "nodes">;
  /** Signs its certificate. */
  authority: CertificateAuthority;
  /** False: its container is not declared. */
  running: boolean;
  /** Changes a child just before it is declared. */
  transform?: { container?: Transform<docker.ContainerArgs> };
}

/** Where nodes call a host's writer, if it has one. */
export const writerAddress = (on: ClientHost): pulumi.Output<string> =>
  on.doorOf({
    name: host.writerName(on.spec.id),
    ...{ internal: host.writerPort, external: on.spec.writerPort },
  });

/**
 * What may write into tenants' databases: a companion of the host's agent, which never does, with a certificate of its own.
 * It is there only where a tenant's entry says so, and sees those tenants' data and nothing else.
 */
export class Writer extends pulumi.ComponentResource {
  constructor(name: string, args: WriterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Writer", name, {}, opts);
    const ids = args.tenants.map(({ spec }) => spec.id);
    const config = pulumi
      .output(args.host.callers)
      .apply((callers) => host.writerConfig(args.host.spec.id, args.cluster, ids, callers));
    const home = args.host.layout(`${name}-home`, host.writerLayout(config), { parent: this });
    const certified = this.certify(name, args, home);
    if (args.running) this.start(name, args, config, certified);
    this.registerOutputs({});
  }

  private certify(name: string, { host: on, authority }: WriterArgs, home: pulumi.Resource): pulumi.Resource {
    const args = {
      authority,
      subject: host.writerSubject(on.spec.id, on.calledAt),
      directory: host.writerTls,
    };
    return on.certify(name, args, { parent: this, dependsOn: [home] });
  }

  private start(
    name: string,
    { stack, host: on, tenants, transform }: WriterArgs,
    config: pulumi.Output<string>,
    certified: pulumi.Resource,
  ): void {
    const ids = tenants.map(({ spec }) => spec.id);
    const args = fleetContainer({
      identity: { stack, role: "writer" },
      // It follows its certificate by itself; only another configuration needs a start.
      labels: { "owui.config": on.fingerprint(config) },
      image: on.runtimeImage,
      command: entryPoint("writer"),
      user: host.writerUser,
      networksAdvanced: on.besideAgent.map((network) => ({
        ...network,
        aliases: [host.writerName(on.spec.id)],
      })),
      ...(on.calledAt
        ? { ports: [{ ...loopbackPort(host.writerPort, on.spec.writerPort), ip: on.calledAt }] }
        : {}),
      mounts: host.writerMounts(on.path.bind(on), ids),
      readOnly: true,
      // A process for each request is its child, of 300 MB at most.
      memory: { limit: 512 * 2 ** 20 },
      health: { test: listensTest(host.writerPort), startPeriod: "10s", interval: "3s" },
    });
    new docker.Container(
      `${name}-container`,
      transformed(transform?.container, args),
      on.inEngine(this, [certified, ...tenants.map(({ home }) => home)]),
    );
  }
}
