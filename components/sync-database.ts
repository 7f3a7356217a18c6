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
import {
  fleetDatabase,
  postgresArguments,
  postgresFiles,
  postgresHealthTest,
  postgresHost,
  postgresLayout,
  postgresSubject,
  postgresTls,
  postgresUser,
  serverHasRun,
} from "./sync/postgres.ts";
import {
  analystGroup,
  readerGroup,
  readerGroups,
  readerLimits,
  readerLogin,
  tenantReaderGroup,
} from "./sync/reader.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link SyncDatabase}. */
export interface SyncDatabaseArgs {
  stack: string;
  /** The control host, where an embedded Postgres runs. */
  host: ClientHost;
  spec: SyncSpec;
  /** Ids of the tenants whose replicas it holds. */
  tenants: string[];
  /** False: the server is not declared; its data, passwords, roles and schema are. */
  running: boolean;
  authority: CertificateAuthority;
  /** Changes a child just before it is declared. */
  transform?: {
    container?: Transform<docker.ContainerArgs>;
  };
}

/** How the program that declares the fleet reaches the database; as its superuser unless said otherwise. */
export interface AdminConnection {
  host: string;
  port: number;
  database: string;
  user: string;
  password: pulumi.Output<string>;
  /** PEM of the authorities, one of which signed the server's certificate. */
  ca: pulumi.Output<string>;
}

/**
 * The Postgres that holds the replicas: server, database, the schema of the fleet's own state, and the roles.
 * Tables are the migrator's work, which the cluster runs.
 */
export class SyncDatabase extends pulumi.ComponentResource {
  readonly admin: AdminConnection;
  /** What the cluster's nodes sign in with. */
  readonly login: { role: string; password: pulumi.Output<string> };
  /** How {@link login} reaches the database from the machine that the program runs on. */
  readonly access: Omit<AdminConnection, "ca">;
  /** What an analyst signs in with, by the reader's name. */
  readonly readers: Record<string, { role: string; password: pulumi.Output<string> }>;
  /** What has to be there before migrations can run. */
  readonly prepared: pulumi.Resource[];
  /** False: its server never ran, so there is no replica that could be asked for. */
  readonly begun: boolean;
  private readonly provider: postgresql.Provider;

  constructor(name: string, args: SyncDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:SyncDatabase", name, {}, opts);
    const files = postgresFiles(readFileSync(new URL("sync/start-postgres.sh", import.meta.url), "utf8"));
    const home = args.host.layout(`${name}-home`, postgresLayout(files), { parent: this });
    const certified = this.certifyServer(name, args, home);
    const server = args.running ? [this.startServer(name, args, files, certified)] : [];
    this.begun = serverHasRun(args.host.path("postgres/data"));
    this.admin = this.adminConnection(args, home);
    this.provider = this.connect(`${name}-provider`, args, "postgres");
    this.login = {
      role: clusterLogin(args.spec.cluster),
      password: this.generatePassword(`${name}-login-password`),
    };
    this.access = {
      ...{ host: this.admin.host, port: this.admin.port, database: this.admin.database },
      ...{ user: this.login.role, password: this.login.password },
    };
    this.readers = Object.fromEntries(
      args.spec.readers.map(({ id }) => [
        id,
        { role: readerLogin(id), password: this.generatePassword(`${name}-reader-${id}-password`) },
      ]),
    );
    const made = this.createRolesAndSchema(name, server);
    this.prepared = [...made, ...this.createReaders(name, args, made)];
    this.registerOutputs({});
  }

  private certifyServer(name: string, { stack, host, authority }: SyncDatabaseArgs, home: pulumi.Resource) {
    const args = { authority, subject: postgresSubject(stack), directory: postgresTls };
    const reload = { script: "reload-postgres", variables: { CONTAINER: postgresHost(stack) } } as const;
    return host.certify(`${name}-server`, args, { parent: this, dependsOn: [home] }, reload);
  }

  private startServer(
    name: string,
    { stack, host, spec, transform }: SyncDatabaseArgs,
    files: LayoutEntry[],
    certified: pulumi.Resource,
  ): docker.Container {
    const args = fleetContainer({
      identity: { stack, role: "postgres" },
      labels: { "owui.files": host.fingerprint(layoutLines(files)) },
      image: host.image("postgres:15-bookworm"),
      entrypoints: ["sh", "/etc/fleet/start.sh"],
      command: postgresArguments(),
      user: postgresUser,
      networksAdvanced: host.besideAgent,
      ports: [loopbackPort(5432, spec.database.port)],
      mounts: [
        bind(host.path("postgres/data"), "/var/lib/postgresql/data", "read-write"),
        bind(host.path("postgres/config"), "/etc/fleet"),
      ],
      readOnly: true,
      tmpfs: { "/tmp": "size=16m" },
      shmSize: 256,
      // Ends sessions instead of waiting for them.
      stopSignal: "SIGINT",
      memory: { limit: 2 ** 30 },
      health: { test: postgresHealthTest, startPeriod: "1m0s", interval: "3s" },
    });
    return new docker.Container(`${name}-postgres`, transformed(transform?.container, args), {
      parent: this,
      provider: host.docker,
      dependsOn: [certified],
    });
  }

  private adminConnection(
    { spec, authority }: SyncDatabaseArgs,
    home: command.local.Command,
  ): AdminConnection {
    return {
      host: "127.0.0.1",
      port: spec.database.port,
      database: fleetDatabase,
      user: "postgres",
      password: home.stdout,
      ca: authority.certificate,
    };
  }

  private connect(name: string, { host }: SyncDatabaseArgs, database: string): postgresql.Provider {
    const { port, user, password, host: address } = this.admin;
    return new postgresql.Provider(
      name,
      {
        host: address,
        port,
        username: user,
        password,
        database,
        sslmode: "verify-full",
        sslrootcert: host.path("postgres/config/ca.crt"),
        superuser: true,
      },
      { parent: this },
    );
  }

  private generatePassword(name: string): pulumi.Output<string> {
    const args = { length: 32, special: false };
    return new random.RandomPassword(name, args, { parent: this }).result;
  }

  /**
   * Owner, group and login; the database and what PUBLIC loses in it; the schema. One after another: Postgres
   * refuses to change the rights on one object from two sessions at a time.
   */
  private createRolesAndSchema(name: string, server: pulumi.Resource[]): pulumi.Resource[] {
    const database = fleetDatabase;
    const opts = (...dependsOn: pulumi.Resource[]) => ({
      parent: this,
      provider: this.provider,
      dependsOn,
      protect: true,
      retainOnDelete: true,
    });
    const role = (id: string, args: postgresql.RoleArgs, ...after: pulumi.Resource[]) =>
      new postgresql.Role(`${name}-${id}`, args, opts(...after));
    const grant = (id: string, args: Omit<postgresql.GrantArgs, "database">, after: pulumi.Resource) =>
      new postgresql.Grant(`${name}-${id}`, { ...args, database }, opts(after));

    const owner = role("owner", { name: "fleet_owner", login: false }, ...server);
    const service = role("service", { name: "sync_service", login: false }, ...server);
    const { role: login, password } = this.login;
    const member = role("login", { name: login, login: true, password, roles: [service.name] }, service);
    const fleet = new postgresql.Database(
      `${name}-fleet`,
      { name: database, owner: owner.name, encoding: "UTF8" },
      opts(owner),
    );
    const closed = grant("public", { role: "public", objectType: "database", privileges: [] }, fleet);
    const opened = grant(
      "connect",
      { role: service.name, objectType: "database", privileges: ["CONNECT", "TEMPORARY"] },
      closed,
    );
    const analyst = role("analyst", { name: analystGroup, login: false }, ...server);
    const analysts = grant(
      "analyst-connect",
      { role: analyst.name, objectType: "database", privileges: ["CONNECT"] },
      opened,
    );
    const reader = role("reader", { name: readerGroup, login: false }, ...server);
    const schema = new postgresql.Schema(
      `${name}-metadata`,
      { name: "sync_metadata", database, owner: owner.name },
      opts(analysts),
    );
    return [member, reader, schema];
  }

  /**
   * A group for each tenant's readers, and the logins. What they may read is the migrator's to grant. They hold no
   * data, so they come and go with the config; their provider is connected to the fleet's database, because dropping
   * a role first drops what it was granted in the database one is connected to. When the stack itself is destroyed
   * there may be no server any more, and they go with what it forgets.
   */
  private createReaders(name: string, args: SyncDatabaseArgs, made: pulumi.Resource[]): pulumi.Resource[] {
    const provider = this.connect(`${name}-fleet-provider`, args, fleetDatabase);
    const deletedWith = made.at(-1) as pulumi.Resource;
    const opts = (dependsOn: pulumi.Resource[]) => ({ parent: this, provider, dependsOn, deletedWith });
    const groups = args.tenants.map(
      (id) =>
        new postgresql.Role(
          `${name}-readers-of-${id}`,
          { name: tenantReaderGroup(id), login: false },
          opts(made),
        ),
    );
    const logins = args.spec.readers.map((spec) => {
      const { role, password } = this.readers[spec.id] as { role: string; password: pulumi.Output<string> };
      return new postgresql.Role(
        `${name}-reader-${spec.id}`,
        { name: role, login: true, password, roles: readerGroups(spec), ...readerLimits },
        opts([...made, ...groups]),
      );
    });
    return [...groups, ...logins];
  }
}
