import { readFileSync } from "node:fs";
import * as docker from "@pulumi/docker";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import { bind, fleetContainer, loopbackPort } from "./container.ts";
import type { DatabaseSpec, ExternalDatabaseSpec, SyncSpec } from "./fleet-config.ts";
import { type LayoutEntry, layoutLines } from "./host/layout.ts";
import * as external from "./sync/external.ts";
import { clusterLogin, type NodeDatabase, nodeAuthority } from "./sync/node.ts";
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

/** How the program that declares the fleet reaches the database; as its administrator unless said otherwise. */
export interface AdminConnection {
  host: string;
  port: number;
  database: string;
  user: string;
  password: pulumi.Output<string>;
  /** PEM of the authorities, one of which signed the server's certificate. */
  ca: pulumi.Output<string>;
}

/** How the cluster's nodes reach it. */
export interface DatabaseDoor extends Omit<NodeDatabase, "password"> {
  password: pulumi.Output<string>;
  /** What the file `ca` holds, where it is not the stack's own authority that signed the server's certificate. */
  authority?: string;
}

/** A server, and how it is reached. */
interface Server {
  admin: AdminConnection;
  /** File of {@link AdminConnection.ca}, for the provider. */
  authorityFile: string;
  /** What a role signs in as. */
  userOf(role: string): string;
  nodes: Omit<DatabaseDoor, "user" | "password">;
  /** What has to be there before it answers. */
  ready: pulumi.Resource[];
  /** False: it never ran, so there is no replica that could be asked for. */
  begun: boolean;
}

/**
 * The Postgres that holds the replicas: server (embedded) or how it is reached (external), database, the schema of the
 * fleet's own state, and the roles. Tables are the migrator's work, which the cluster runs.
 */
export class SyncDatabase extends pulumi.ComponentResource {
  readonly admin: AdminConnection;
  readonly nodes: DatabaseDoor;
  /** How the cluster's login reaches it from the machine that the program runs on; `ca` where it is not the stack's own. */
  readonly access: Omit<AdminConnection, "ca"> & { ca?: pulumi.Output<string> };
  /** What an analyst signs in with, by the reader's name. */
  readonly readers: Record<string, { role: string; password: pulumi.Output<string> }>;
  /** What has to be there before migrations can run. */
  readonly prepared: pulumi.Resource[];
  /** False: its server never ran, so there is no replica that could be asked for. */
  readonly begun: boolean;
  private readonly server: Server;
  private readonly provider: postgresql.Provider;

  constructor(name: string, args: SyncDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:SyncDatabase", name, {}, opts);
    const { spec } = args;
    this.server =
      spec.database.kind === "embedded"
        ? this.embed(name, args, spec.database.port)
        : reach(args.stack, spec.database);
    const { admin, nodes, userOf } = this.server;
    this.begun = this.server.begun;
    this.admin = admin;
    this.provider = this.connect(
      `${name}-provider`,
      spec.database,
      spec.database.kind === "embedded" ? "postgres" : spec.database.database,
    );
    const role = clusterLogin(spec.cluster);
    const password = this.generatePassword(`${name}-login-password`);
    this.nodes = { ...nodes, user: userOf(role), password };
    this.access = {
      ...{ host: admin.host, port: admin.port, database: admin.database },
      ...{ user: userOf(role), password },
      ...(spec.database.kind === "external" ? { ca: admin.ca } : {}),
    };
    this.readers = Object.fromEntries(
      spec.readers.map(({ id }) => [
        id,
        { role: userOf(readerLogin(id)), password: this.generatePassword(`${name}-reader-${id}-password`) },
      ]),
    );
    const made = this.createRolesAndSchema(name, role, password, spec.database);
    this.prepared = [...made, ...this.createReaders(name, args, made)];
    this.registerOutputs({});
  }

  /** The server in a container on the control host. */
  private embed(name: string, args: SyncDatabaseArgs, port: number): Server {
    const { stack, host, authority, running } = args;
    const files = postgresFiles(readFileSync(new URL("sync/start-postgres.sh", import.meta.url), "utf8"));
    const home = host.layout(`${name}-home`, postgresLayout(files), { parent: this });
    const certified = this.certifyServer(name, args, home);
    return {
      ready: running ? [this.startServer(name, args, files, certified)] : [],
      begun: serverHasRun(host.path("postgres/data")),
      admin: {
        ...{ host: "127.0.0.1", port, database: fleetDatabase, user: "postgres" },
        password: home.stdout,
        ca: authority.certificate,
      },
      authorityFile: host.path("postgres/config/ca.crt"),
      userOf: (role) => role,
      nodes: { host: postgresHost(stack), port: 5432, database: fleetDatabase, ca: nodeAuthority.stack },
    };
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
    return new docker.Container(
      `${name}-postgres`,
      transformed(transform?.container, args),
      host.inEngine(this, [certified]),
    );
  }

  private connect(name: string, { kind }: DatabaseSpec, database: string): postgresql.Provider {
    const { admin, authorityFile } = this.server;
    const { host, port, user, password } = admin;
    return new postgresql.Provider(
      name,
      {
        ...{ host, port, username: user, password, database },
        sslmode: "verify-full",
        sslrootcert: authorityFile,
        superuser: kind === "embedded",
        ...(kind === "external" ? { databaseUsername: external.adminRole(user) } : {}),
      },
      { parent: this },
    );
  }

  private generatePassword(name: string): pulumi.Output<string> {
    const args = { length: 32, special: false };
    return new random.RandomPassword(name, args, { parent: this }).result;
  }

  /**
   * Owner, group and login; the database with the rights on it; the schema. One after another: Postgres refuses to
   * change the rights on one object from two sessions at a time.
   */
  private createRolesAndSchema(
    name: string,
    login: string,
    password: pulumi.Output<string>,
    place: DatabaseSpec,
  ): pulumi.Resource[] {
    const { ready } = this.server;
    const { database } = this.admin;
    const opts = (...dependsOn: pulumi.Resource[]) => ({
      parent: this,
      provider: this.provider,
      dependsOn,
      protect: true,
      retainOnDelete: true,
    });
    const role = (id: string, args: postgresql.RoleArgs, ...after: pulumi.Resource[]) =>
      new postgresql.Role(`${name}-${id}`, args, opts(...after));
    const grant = (
      id: string,
      to: postgresql.Role | "public",
      privileges: string[],
      after: pulumi.Resource,
    ) =>
      new postgresql.Grant(
        `${name}-${id}`,
        { role: to === "public" ? to : to.name, objectType: "database", privileges, database },
        opts(after),
      );

    const owner = role("owner", { name: "fleet_owner", login: false }, ...ready);
    const service = role("service", { name: "sync_service", login: false }, ...ready);
    const member = role("login", { name: login, login: true, password, roles: [service.name] }, service);
    const opened =
      place.kind === "embedded"
        ? grant("public", "public", [], this.makeDatabase(name, owner, opts(owner)))
        : grant(
            "owner-create",
            owner,
            external.ownerPrivileges,
            this.joinOwner(name, place, owner, opts(owner)),
          );
    const connect = grant("connect", service, ["CONNECT", "TEMPORARY"], opened);
    const analyst = role("analyst", { name: analystGroup, login: false }, ...ready);
    const analysts = grant("analyst-connect", analyst, ["CONNECT"], connect);
    const reader = role("reader", { name: readerGroup, login: false }, ...ready);
    const schema = new postgresql.Schema(
      `${name}-metadata`,
      { name: "sync_metadata", database, owner: owner.name },
      opts(analysts),
    );
    return [member, reader, schema];
  }

  /** On a server of the fleet's own: a database that nobody else enters. */
  private makeDatabase(name: string, owner: postgresql.Role, opts: pulumi.CustomResourceOptions) {
    const args = { name: fleetDatabase, owner: owner.name, encoding: "UTF8" };
    return new postgresql.Database(`${name}-fleet`, args, opts);
  }

  /** An administrator that is no superuser does nothing in the name of a role that it is no member of. */
  private joinOwner(
    name: string,
    { user }: ExternalDatabaseSpec,
    owner: postgresql.Role,
    opts: pulumi.CustomResourceOptions,
  ) {
    const args = { role: external.adminRole(user), grantRole: owner.name };
    return new postgresql.GrantRole(`${name}-admin`, args, opts);
  }

  /**
   * A group for each tenant's readers, and the logins. What they may read is the migrator's to grant. They hold no
   * data, so they come and go with the config; their provider is connected to the fleet's database, because dropping
   * a role first drops what it was granted in the database one is connected to. When a stack with a server of its own is
   * destroyed there may be no server any more, and they go with what it forgets.
   */
  private createReaders(
    name: string,
    { spec, tenants }: SyncDatabaseArgs,
    made: pulumi.Resource[],
  ): pulumi.Resource[] {
    const embedded = spec.database.kind === "embedded";
    const provider = embedded
      ? this.connect(`${name}-fleet-provider`, spec.database, fleetDatabase)
      : this.provider;
    const deletedWith = embedded ? (made.at(-1) as pulumi.Resource) : undefined;
    const opts = (dependsOn: pulumi.Resource[]) => ({ parent: this, provider, dependsOn, deletedWith });
    const groups = tenants.map(
      (id) =>
        new postgresql.Role(
          `${name}-readers-of-${id}`,
          { name: tenantReaderGroup(id), login: false },
          opts(made),
        ),
    );
    const logins = spec.readers.map(
      (reader) =>
        new postgresql.Role(
          `${name}-reader-${reader.id}`,
          {
            ...{ name: readerLogin(reader.id), login: true, password: this.readers[reader.id]?.password },
            ...{ roles: readerGroups(reader), ...readerLimits },
          },
          opts([...made, ...groups]),
        ),
    );
    return [...groups, ...logins];
  }
}

/** A server that is there already. */
const reach = (stack: string, spec: ExternalDatabaseSpec): Server => {
  const { host, port, database, user, ca } = spec;
  return {
    ready: [],
    begun: true,
    admin: {
      ...{ host, port, database, user },
      password: pulumi.secret(spec.password),
      ca: pulumi.output(ca.pem),
    },
    authorityFile: external.authorityFile(stack, ca),
    userOf: (role) => external.userOf(user, role),
    nodes: { host, port, database, ca: nodeAuthority.database, authority: ca.pem },
  };
};
