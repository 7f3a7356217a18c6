import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { ClientHost } from "./client-host.ts";
import { dockerLabels, dockerName, fleetContainer, labelList } from "./container.ts";
import type { BackupsSpec } from "./fleet-config.ts";
import * as host from "./host/backup.ts";
import { drillsFile, drillTimer } from "./host/drills.ts";
import { backupBridge } from "./host/egress.ts";
import { postgresImage } from "./host/postgres-image.ts";
import { backupImage, entryPoint } from "./runtime-image.ts";
import type { Tenant } from "./tenant.ts";
import { type Transform, transformed } from "./transform.ts";

/** Arguments of {@link Backups}. */
export interface BackupsArgs {
  stack: string;
  spec: BackupsSpec;
  /** The host it runs on. */
  host: ClientHost;
  /** The tenants that live there: at least one. */
  tenants: Pick<Tenant, "spec" | "home">[];
  /** False: its container is not declared. */
  running: boolean;
  /** Changes a child just before it is declared. */
  transform?: { container?: Transform<docker.ContainerArgs>; network?: Transform<docker.NetworkArgs> };
}

/**
 * What backs a host's tenants up: by its own schedule, without operator or nodes. It sees tenants' data read-only, reaches
 * the place of the backups, the Postgres of tenants that work on one, and nothing else of the network; nobody calls it.
 */
export class Backups extends pulumi.ComponentResource {
  /** The passphrase of each tenant's repository; secret. */
  readonly passwords: Record<string, pulumi.Output<string>>;

  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:Backups", name, {}, opts);
    const tenants = this.givePasswords(args);
    this.passwords = Object.fromEntries(tenants.map(({ spec, password }) => [spec.id, password]));
    const config = this.configure(args);
    const home = args.host.layout(`${name}-home`, host.backupLayout(args.spec, config, tenants), {
      parent: this,
      dependsOn: args.host.guarded,
    });
    const place = this.claimFolder(name, args);
    if (args.running) this.start(name, args, [home, ...place], this.reachDatabases(name, args));
    this.drill(name, args, home);
    this.registerOutputs({});
  }

  private givePasswords({ tenants }: BackupsArgs) {
    return tenants.map(({ spec }) => ({
      spec,
      password: new random.RandomPassword(
        `${spec.id}-backup-password`,
        { length: 40, special: false },
        { parent: this },
      ).result,
    }));
  }

  private configure({ host: on, stack, spec, tenants }: BackupsArgs): string {
    const specs = tenants.map((tenant) => tenant.spec);
    return host.backupConfig(on.spec.id, stack, spec, specs);
  }

  /** A folder is marked once as the fleet's: without the mark another disk is mounted there, or none. */
  private claimFolder(
    name: string,
    { host: on, stack, spec: { repository } }: BackupsArgs,
  ): pulumi.Resource[] {
    if (repository.kind !== "folder") return [];
    const variables = { FOLDER: repository.path, MARK: stack };
    return [
      on.command(`${name}-folder`, { create: [{ script: "backup-folder", variables }] }, { parent: this }),
    ];
  }

  /**
   * A folder takes no network at all. Where a tenant works on a Postgres there is one from which that is reached, and by the
   * host's rules (egress.sh) nothing else; towards a place elsewhere the engine's own network leads already.
   */
  private reachDatabases(
    name: string,
    { host: on, stack, spec: { repository }, tenants, transform }: BackupsArgs,
  ): docker.Network | undefined {
    if (repository.kind !== "folder" || !tenants.some(({ spec }) => spec.database)) return undefined;
    const identity = { stack, role: "backup" } as const;
    const args: docker.NetworkArgs = {
      name: dockerName(identity),
      labels: labelList(dockerLabels(identity)),
      options: { "com.docker.network.bridge.name": backupBridge(stack) },
    };
    return new docker.Network(
      `${name}-network`,
      transformed(transform?.network, args),
      on.inEngine(this, on.guarded),
    );
  }

  /** The host itself restores its latest backups for a trial; on this machine that is somebody's cron to call. */
  private drill(
    name: string,
    { host: on, stack, spec, tenants, running }: BackupsArgs,
    home: pulumi.Resource,
  ): void {
    const specs = tenants.map((tenant) => tenant.spec).filter((tenant) => tenant.running);
    // Here already when a dump is to be restored.
    if (running && specs.some(({ database }) => database)) on.image(postgresImage(spec.postgres));
    const listed = on.layout(`${name}-drills`, [drillsFile(spec, specs)], {
      parent: this,
      dependsOn: [home],
    });
    if (on.spec.kind === "local") return;
    const timer = (wanted: boolean) => [drillTimer(on.spec.root, stack, wanted)];
    on.command(
      `${name}-drill-timer`,
      { create: timer(running), delete: timer(false) },
      { parent: this, dependsOn: [listed] },
    );
  }

  private start(
    name: string,
    { stack, host: on, spec, tenants, transform }: BackupsArgs,
    ready: pulumi.Resource[],
    network: docker.Network | undefined,
  ): void {
    const { repository } = spec;
    const image = {
      base: repository.kind === "sftp" ? "ssh" : "plain",
      ...(tenants.some(({ spec: { database } }) => database) ? { postgres: spec.postgres } : {}),
    } as const;
    const args = fleetContainer({
      identity: { stack, role: "backup" },
      image: backupImage(`${name}-image`, image, on.inEngine(this)).imageName,
      command: entryPoint("backup"),
      user: host.backupUser,
      networkMode: network ? network.name : repository.kind === "folder" ? "none" : "bridge",
      // What its files say it follows by itself.
      mounts: host.backupMounts(on.path.bind(on), spec),
      readOnly: true,
      tmpfs: { "/tmp": "size=16m", "/run/fleet": "size=1m" },
      // restic keeps the index of a repository in memory.
      memory: { limit: 1024 * 2 ** 20 },
      health: { test: ["CMD", "test", "-S", host.backupDoor], startPeriod: "10s", interval: "3s" },
    });
    new docker.Container(
      `${name}-container`,
      transformed(transform?.container, args),
      on.inEngine(this, [...ready, ...tenants.map(({ home }) => home)]),
    );
  }
}
