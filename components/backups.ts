import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { ClientHost } from "./client-host.ts";
import { fleetContainer } from "./container.ts";
import type { BackupsSpec } from "./fleet-config.ts";
import * as host from "./host/backup.ts";
import { drillsFile, drillTimer } from "./host/drills.ts";
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
  transform?: { container?: Transform<docker.ContainerArgs> };
}

/**
 * What backs a host's tenants up: by its own schedule, without operator or nodes. It sees tenants' data read-only, reaches
 * the place of the backups and nothing else of the network, and is called by nobody.
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
    if (args.running) this.start(name, args, [home, ...place]);
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

  /** The host itself restores its latest backups for a trial; on this machine that is somebody's cron to call. */
  private drill(
    name: string,
    { host: on, stack, spec, tenants, running }: BackupsArgs,
    home: pulumi.Resource,
  ): void {
    const specs = tenants.map((tenant) => tenant.spec).filter((tenant) => tenant.running);
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
  ): void {
    const { repository } = spec;
    const args = fleetContainer({
      identity: { stack, role: "backup" },
      image: backupImage(`${name}-image`, repository.kind === "sftp" ? "ssh" : "plain", on.inEngine(this))
        .imageName,
      command: entryPoint("backup"),
      user: host.backupUser,
      networkMode: repository.kind === "folder" ? "none" : "bridge",
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
