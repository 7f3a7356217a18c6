import { readFileSync } from "node:fs";
import type * as command from "@pulumi/command";
import * as docker from "@pulumi/docker";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { bind, fleetContainer, loopbackPort } from "./container.ts";
import type { SyncSpec } from "./fleet-config.ts";
import { type LayoutEntry, layoutLines } from "./host/layout.ts";
import { clusterLogin } from "./sync/node.ts";
import { fleetDatabase, postgresArguments, postgresLayout, postgresSubject, postgresUser } from "./sync/postgres.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link SyncDatabase}. */
export interface SyncDatabaseArgs {
  stack: string;
  /** The control host, where an embedded Postgres runs. */
  host: ClientHost;
  spec: SyncSpec;
  /** False: the server is not declared; its data, passwords, roles and schema are. */
  running: boolean;
  authority: CertificateAuthority;
  /** Changes a child just before it is declared. */
  transform?: {
    container?: Transform<docker.ContainerArgs>;
  };
}

/** How the program that declares the fleet reaches the database, as its superuser. */
export interface AdminConnection {
  host: string;
  port: number;
  database: string;
  user: string;
  password: pulumi.Output<string>;
  /** PEM of the authority that signed the server's certificate. */
  ca: pulumi.Output<string>;
}

/** Whatever holds replicas must outlive the stack that declares it. */
const kept: pulumi.CustomResourceOptions = { protect: true, retainOnDelete: true };

/**
 * The Postgres that holds the replicas: server, database, the schema of the fleet's own state, and the roles.
 * Tables are the migrator's work, which the cluster runs.
 */
export class SyncDatabase extends pulumi.ComponentResource {
  readonly admin: AdminConnection;
  /** What the cluster's nodes sign in with. */
  readonly login: { role: string; password: pulumi.Output<string> };
  /** What has to be there before migrations can run. */
  readonly prepared: pulumi.Resource[];
  private readonly provider: postgresql.Provider;

  constructor(name: string, args: SyncDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:SyncDatabase", name, {}, opts);
    const files = this.files(name, args);
    const home = args.host.layout(`${name}-home`, files, { parent: this });
    const server = args.running ? [this.startServer(name, args, home, files)] : [];
    this.admin = this.adminConnection(args, home);
    this.provider = this.connect(name, args);
    this.login = { role: clusterLogin(args.spec.cluster), password: this.generatePassword(name) };
    this.prepared = this.createRolesAndSchema(name, server);
    this.registerOutputs({});
  }

  private files(name: string, { stack, authority }: SyncDatabaseArgs): LayoutEntry[] {
    const identity = authority.issue(`${name}-server`, postgresSubject(stack), this);
    const start = readFileSync(new URL("sync/start-postgres.sh", import.meta.url), "utf8");
    return postgresLayout(identity, authority.certificate, start);
  }

  private startServer(
    name: string,
    { stack, host, spec, transform }: SyncDatabaseArgs,
    home: pulumi.Resource,
    files: LayoutEntry[],
  ): docker.Container {
    const network = host.agentNetwork;
    const args = fleetContainer({
      identity: { stack, role: "postgres" },
      labels: { "owui.files": host.fingerprint(layoutLines(files)) },
      image: host.image("postgres:15-bookworm"),
      entrypoints: ["sh", "/etc/fleet/start.sh"],
      command: postgresArguments(),
      user: postgresUser,
      networksAdvanced: network ? [{ name: network.id }] : [],
      ports: [loopbackPort(5432, spec.database.port)],
      mounts: [
        bind(host.path("postgres/data"), "/var/lib/postgresql/data", "read-write"),
        bind(host.path("postgres/config"), "/etc/fleet"),
      ],
      readOnly: true,
      tmpfs: { "/tmp": "size=16m" },
      shmSize: 256,
      stopSignal: "SIGINT",
      memory: { limit: 2 ** 30 },
      health: { test: ["CMD", "pg_isready", "-q", "-h", "/tmp", "-U", "postgres"], startPeriod: "1m0s" },
    });
    return new docker.Container(`${name}-postgres`, transformed(transform?.container, args), {
      parent: this,
      provider: host.docker,
      dependsOn: [home],
    });
  }
}
