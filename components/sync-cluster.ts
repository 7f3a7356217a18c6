import * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { bind, fleetContainer, listensTest, loopbackPort } from "./container.ts";
import type { SyncSpec } from "./fleet-config.ts";
import { entryPoint } from "./runtime-image.ts";
import { intentOf, migrationsDigest } from "./sync/intent.ts";
import * as node from "./sync/node.ts";
import type { SyncDatabase } from "./sync-database.ts";
import type { Tenant } from "./tenant.ts";
import { type Transform, transformed } from "./transform.ts";
import { writerAddress } from "./writer.ts";

/** Arguments of {@link SyncCluster}. */
export interface SyncClusterArgs {
  stack: string;
  spec: SyncSpec;
  /** Whether Prometheus on the control host looks at the nodes. */
  watched: boolean;
  database: SyncDatabase;
  /** Whose agents it calls, those on which nodes run among them, and what it replicates. */
  hosts: ClientHost[];
  tenants: Tenant[];
  /** False: no node is declared and the database is not written to. */
  running: boolean;
  authority: CertificateAuthority;
  /** Changes a child just before it is declared. */
  transform?: {
    node?: Transform<docker.ContainerArgs>;
  };
}

/** What a node is told, and the command behind which it finds that and its certificates below /etc/fleet. */
interface NodeHome {
  id: string;
  port: number;
  host: ClientHost;
  /** Address at which it is watched from another host. */
  watchedAt: pulumi.Output<string> | undefined;
  config: pulumi.Output<string>;
  written: pulumi.Resource;
}

/** The nodes that keep the replicas, and the database made ready for them. */
export class SyncCluster extends pulumi.ComponentResource {
  /** Where each node answers on its host's loopback, by its id. */
  readonly nodes: Record<string, { url: string; host: string }>;
  /** Where each is watched. */
  readonly watched: { id: string; address: pulumi.Output<string> }[];
  /** Secret PEM of the key that signs an operator's tokens. */
  readonly operatorKey: pulumi.Output<string>;

  constructor(name: string, args: SyncClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:SyncCluster", name, {}, opts);
    const { spec, running } = args;
    const [operator, former] = this.makeOperatorKeys(name, spec.operatorKey);
    const accepted = former ? [operator, former] : [operator];
    const homes = spec.nodes.map((spec) => this.writeHome(name, spec, args, accepted));
    if (running) {
      // One node after the other: while one is replaced another works, and a bad image stops at the first.
      let before = this.migrate(name, args);
      for (const home of homes) before = this.startNode(name, home, args, before);
    }
    this.operatorKey = operator.privateKeyPemPkcs8;
    this.nodes = Object.fromEntries(
      spec.nodes.map(({ id, host, port }) => [id, { url: `https://localhost:${port}`, host }]),
    );
    this.watched = homes.map(({ id, port, watchedAt }) => ({
      id,
      address: watchedAt
        ? pulumi.interpolate`${watchedAt}:${port}`
        : pulumi.output(`${node.nodeName(spec.cluster, id)}:${node.nodePort}`),
    }));
    this.registerOutputs({ nodes: this.nodes, operatorKey: this.operatorKey });
  }

  /** Brings the schema up to date and writes what the stack wants, in one transaction. */
  private migrate(name: string, { spec, database, hosts, tenants }: SyncClusterArgs): pulumi.Resource {
    const agents = hosts.map((host) => ({
      ...{ id: host.spec.id, address: host.agentAddress, writer: writerAddress(host) },
    }));
    const intent = pulumi.output(agents).apply((agents) => intentOf(spec, agents, tenants));
    return new command.local.Command(
      `${name}-intent`,
      {
        create: "node sync-runtime/database/apply.ts",
        stdin: pulumi.jsonStringify({ connection: database.admin, intent }),
        // New migrations are applied although what is wanted stays the same.
        environment: { MIGRATIONS: migrationsDigest() },
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn: database.prepared },
    );
  }

  /** The key that signs operators' tokens, and the one before it, which signed those that are still around. */
  private makeOperatorKeys(name: string, generation: number): [tls.PrivateKey, tls.PrivateKey?] {
    const make = (generation: number) =>
      new tls.PrivateKey(
        generation === 1 ? `${name}-operator` : `${name}-operator-${generation}`,
        { algorithm: "ED25519" },
        { parent: this },
      );
    return generation === 1 ? [make(1)] : [make(generation), make(generation - 1)];
  }

  /** What a node reads: its settings, certificate and key. */
  private writeHome(
    name: string,
    { id, port, host: on }: SyncSpec["nodes"][number],
    { hosts, spec, watched, database, authority }: SyncClusterArgs,
    operators: tls.PrivateKey[],
  ): NodeHome {
    const host = hosts.find((host) => host.spec.id === on);
    if (!host) throw new pulumi.RunError(`node "${id}" runs on host "${on}", which is not declared`);
    const watchedAt = watched && on !== spec.host ? host.calledAt : undefined;
    const { authority: authorityOfDatabase, ...door } = database.nodes;
    const config = pulumi
      .all([pulumi.all(operators.map(({ publicKeyPem }) => publicKeyPem)), door.password])
      .apply(([operatorKeys, password]) =>
        node.nodeConfig({ sync: spec, node: id, operatorKeys, database: { ...door, password } }),
      );
    const files = node.nodeLayout(id, config, authorityOfDatabase);
    const home = host.layout(`${name}-node-${id}-home`, files, { parent: this });
    const subject = node.nodeSubject(spec.cluster, id, watchedAt);
    const certificate = { authority, subject, directory: node.nodeTls(id) };
    const written = host.certify(`${name}-node-${id}`, certificate, { parent: this, dependsOn: [home] });
    return { id, port, host, watchedAt, config, written };
  }

  private startNode(
    name: string,
    { id, port, host, watchedAt, config, written }: NodeHome,
    { stack, spec, transform }: SyncClusterArgs,
    before: pulumi.Resource,
  ): docker.Container {
    const args = fleetContainer({
      identity: { stack, role: "node", of: id },
      // It follows its certificates by itself; only another configuration needs a start.
      labels: { "owui.config": host.fingerprint(config) },
      image: host.runtimeImage,
      command: entryPoint("node"),
      user: node.nodeUser,
      networksAdvanced: host.besideAgent.map((network) => ({
        ...network,
        aliases: [node.nodeName(spec.cluster, id)],
      })),
      ports: [
        loopbackPort(node.nodePort, port),
        ...(watchedAt ? [{ ...loopbackPort(node.nodePort, port), ip: watchedAt }] : []),
      ],
      mounts: [bind(host.path(node.nodeDirectory(id)), "/etc/fleet")],
      readOnly: true,
      memory: { limit: 512 * 2 ** 20 },
      health: { test: listensTest(node.nodePort), startPeriod: "30s", interval: "5s" },
    });
    return new docker.Container(
      `${name}-node-${id}`,
      transformed(transform?.node, args),
      host.inEngine(this, [written, before]),
    );
  }
}
