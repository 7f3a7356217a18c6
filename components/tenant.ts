import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { rendererVersion } from "./branding/brand-file.ts";
import type { ClientHost } from "./client-host.ts";
import {
  type ContainerIdentity,
  dockerLabels,
  dockerName,
  fleetContainer,
  labelList,
  loopbackPort,
} from "./container.ts";
import type { Edge } from "./edge.ts";
import type { BrandingSpec, TenantSpec } from "./fleet-config.ts";
import type { ScriptInput } from "./host/shell.ts";
import { siteFile, siteUrl } from "./host/site.ts";
import type { SyncDatabase } from "./sync-database.ts";
import { openEnvironment, secretEnvironment, startCommand, trialCommand } from "./tenant/environment.ts";
import { homeLayout, homeMounts, tenantHome } from "./tenant/home.ts";
import { hasDatabase } from "./tenant/stored-data.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link Tenant}. */
export interface TenantArgs {
  stack: string;
  /** The host it runs on. */
  host: ClientHost;
  /** Its entry in the stack's config, already parsed. */
  spec: TenantSpec;
  /** Where a database that was lost comes back from. */
  replicas: Pick<SyncDatabase, "admin" | "begun" | "prepared">;
  /** Opens its site. */
  edge: Edge;
  /** False: only what has to outlive its container is declared. */
  running: boolean;
  /** Changes a child just before it is declared. */
  transform?: {
    network?: Transform<docker.NetworkArgs>;
    container?: Transform<docker.ContainerArgs>;
  };
}

/** Label of a tenant's container that works on a Postgres: where that is. */
const databaseLabel = "owui.database";

/** Port Open WebUI listens on inside its container. */
const internalPort = 8080;

/** Seconds until it answers; a fresh one takes 20. */
const patience = 300;

/** One organisation's Open WebUI: directories, brand files, network, container, first admin, site. */
export class Tenant extends pulumi.ComponentResource {
  /** Address users open, `http://acme.localhost:8080`, or `https://…` where its host offers TLS. */
  readonly url: string;
  /** Who signs in first; the password is a secret. */
  readonly admin: { email: string; password: pulumi.Output<string> };
  readonly spec: TenantSpec;
  /** What makes its directories. */
  readonly home: pulumi.Resource;
  private readonly host: ClientHost;
  private readonly identity: ContainerIdentity;

  constructor(name: string, args: TenantArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Tenant", name, {}, opts);
    const { stack, host, spec, replicas, edge, running, transform } = args;
    this.host = host;
    this.spec = spec;
    this.identity = { stack, role: "tenant", of: spec.id };
    this.url = siteUrl(host.spec, spec.domain);

    const environment = pulumi.secret(secretEnvironment(spec));
    const home = this.createHome(name, environment);
    this.home = home;
    const brand = spec.branding ? [this.renderBrand(name, spec.branding, home)] : [];
    if (running) {
      const data = this.guardData(name, home, replicas);
      const network = this.createNetwork(name, [data], transform?.network);
      const tried = this.tryBeside(name, network, environment, [data, ...brand]);
      const container = this.startContainer(
        name,
        network,
        environment,
        [data, ...brand, tried],
        transform?.container,
      );
      this.limitProcesses(name, container);
      // Of new data the first admin is made anew, and its site opened only then.
      const identity = pulumi.unsecret(data.stdout);
      const admin = this.createFirstAdmin(name, container, identity);
      const opts = { parent: this, dependsOn: [admin, host.front] };
      edge.openSite(name, { host, spec, again: identity }, opts);
    }
    this.admin = { email: spec.admin.email, password: home.stdout };
    this.registerOutputs({ url: this.url, admin: this.admin });
  }

  /** Directories, identity, secrets: made once, kept for ever, and never removed by anything in this program. */
  private createHome(name: string, environment: pulumi.Output<string>) {
    const { id } = this.spec;
    return this.host.layout(
      `${name}-home`,
      homeLayout(id, environment),
      { parent: this, dependsOn: this.host.guarded },
      {
        script: "tenant-identity",
        variables: { ROOT: this.host.spec.root, FLEET: this.identity.stack, TENANT: id },
      },
    );
  }

  /**
   * Nothing starts on a directory that lost its database. Where there is one, what the command was told last is left
   * as it is, so that it shows up in no preview; where there is none, it runs in every `up`, once the replicas can be
   * asked. In the first `up` of all there are none, and nothing is waited for. It prints the id of the data.
   */
  private guardData(name: string, home: pulumi.Resource, replicas: TenantArgs["replicas"]) {
    const { id, restore, fresh, database } = this.spec;
    // What is on another machine is only known once that was asked; data that was never made begins for the first time.
    const { beginnings } = this.host.machine;
    const there =
      database !== undefined || (beginnings === undefined && hasDatabase(this.host.spec.root, id));
    const counted = database ? undefined : beginnings?.apply((counts) => counts[id] ?? "1");
    const again = counted ?? (there ? "" : new Date().toISOString());
    const variables = {
      ROOT: this.host.spec.root,
      FLEET: this.identity.stack,
      TENANT: id,
      CONTAINER: dockerName(this.identity),
      IF_LOST: fresh ? "fresh" : (restore ?? "refuse"),
      REPLICAS: replicas.begun ? "asked" : "none",
      NGINX: this.host.path("nginx"),
      NGINX_CONTAINER: dockerName({ stack: this.identity.stack, role: "nginx" }),
      SITE: siteFile(id),
      // What a Postgres holds is not lost where no SQLite file lies.
      ...(database ? { ELSEWHERE: "yes" } : {}),
      // Elsewhere no checkout lies beside the data: the image holds what it takes to bring a database back.
      ...(beginnings ? { GUARD_IMAGE: this.host.runtimeImage } : {}),
    };
    return this.host.command(
      `${name}-data`,
      {
        create: [{ script: "tenant-data", variables }],
        stdin: pulumi.jsonStringify({ connection: replicas.admin }),
        again,
      },
      {
        parent: this,
        dependsOn: [home, ...(there || !replicas.begun ? [] : replicas.prepared)],
        ignoreChanges: there ? ["create", "stdin", "environment"] : [],
      },
    );
  }

  private renderBrand(
    name: string,
    { logo, name: product = "Open WebUI" }: BrandingSpec,
    home: pulumi.Resource,
  ) {
    const rendered = { LOGO: relative(process.cwd(), logo), NAME: product };
    const variables = {
      DIRECTORY: this.host.path(tenantHome(this.spec.id), "branding"),
      CONTAINER: dockerName(this.identity),
    };
    const digest = createHash("sha256").update(readFileSync(logo)).digest("hex").slice(0, 16);
    return this.host.command(
      `${name}-brand`,
      {
        here: { script: "render-branding", variables: rendered },
        create: [{ script: "install-branding", variables }],
        again: `${rendererVersion}${digest}`,
      },
      { parent: this, dependsOn: [home] },
    );
  }

  /** Behind its data: where that is not there, nothing that serves elsewhere is replaced. */
  private createNetwork(
    name: string,
    ready: pulumi.Resource[],
    transform?: Transform<docker.NetworkArgs>,
  ): docker.Network {
    const args: docker.NetworkArgs = {
      name: dockerName(this.identity),
      labels: labelList(dockerLabels(this.identity)),
      ipamConfigs: [{ subnet: this.spec.subnet }],
      // The egress rules know tenants by their interface's name.
      options: { "com.docker.network.bridge.name": this.spec.bridge },
    };
    return new docker.Network(`${name}-network`, transformed(transform, args), this.inEngine(ready));
  }

  /**
   * A container is replaced by removing it first. So what is to come is started beside it before, on a copy of its data;
   * where that does not answer, the replacement is not begun. What `fleet upgrade` prepared is done behind it, last of all
   * before the container goes.
   */
  private tryBeside(
    name: string,
    network: docker.Network,
    environment: pulumi.Output<string>,
    ready: pulumi.Resource[],
  ): pulumi.Resource {
    const { spec, host, url } = this;
    const variables = {
      ...{ ROOT: host.spec.root, TENANT: spec.id, CONTAINER: dockerName(this.identity) },
      ...{ NETWORK: network.name, IMAGE: host.image(spec.image), LABEL: host.fingerprint(environment) },
      ...{
        START: spec.database ? trialCommand : (startCommand.at(-1) ?? ""),
        MEMORY: spec.memory.limit,
        CPUS: spec.cpus,
        PIDS: spec.pids,
      },
      PATIENCE: patience,
    };
    const { ROOT, TENANT, CONTAINER, IMAGE } = variables;
    const settings = openEnvironment(spec, url).map((setting) => `${setting}\n`);
    const create: ScriptInput[] = [
      { script: "tenant-trial", variables },
      { script: "tenant-switch", variables: { ROOT, TENANT, CONTAINER, IMAGE } },
    ];
    return host.command(
      `${name}-trial`,
      { create, stdin: settings.join("") },
      { parent: this, dependsOn: ready },
    );
  }

  private startContainer(
    name: string,
    network: docker.Network,
    environment: pulumi.Output<string>,
    ready: pulumi.Resource[],
    transform?: Transform<docker.ContainerArgs>,
  ): docker.Container {
    const { spec, host, url } = this;
    const args = fleetContainer({
      identity: this.identity,
      labels: {
        "owui.environment": host.fingerprint(environment),
        // By which a preview knows that another database is meant.
        ...(spec.database ? { [databaseLabel]: spec.database.url } : {}),
      },
      image: host.image(spec.image),
      command: startCommand,
      envs: openEnvironment(spec, url),
      networksAdvanced: [{ name: network.id }],
      ports: [loopbackPort(internalPort, spec.port)],
      mounts: homeMounts(host.path(tenantHome(spec.id)), spec),
      memory: spec.memory,
      cpus: String(spec.cpus),
      health: {
        test: ["CMD", "curl", "-fsS", "-o", "/dev/null", `http://127.0.0.1:${internalPort}/health`],
        startPeriod: "2m0s",
        patience,
      },
    });
    return new docker.Container(`${name}-container`, transformed(transform, args), this.inEngine(ready));
  }

  private limitProcesses(name: string, { id }: docker.Container): void {
    this.host.command(
      `${name}-processes`,
      { create: [{ script: "pids-limit", variables: { CONTAINER: id, PIDS: this.spec.pids } }] },
      { parent: this },
    );
  }

  /** The first account becomes the admin, so it is made while no site leads to the tenant yet. */
  private createFirstAdmin(
    name: string,
    container: docker.Container,
    again: pulumi.Input<string>,
  ): pulumi.Resource {
    const { id, admin } = this.spec;
    const profile = JSON.stringify({ email: admin.email, name: admin.name }).slice(1, -1);
    const variables = {
      ROOT: this.host.spec.root,
      TENANT: id,
      CONTAINER: dockerName(this.identity),
      PROFILE: profile,
    };
    return this.host.command(
      `${name}-first-admin`,
      { create: [{ script: "first-admin", variables }], again },
      { parent: this, dependsOn: [container] },
    );
  }

  private inEngine(dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions {
    return this.host.inEngine(this, dependsOn);
  }
}
