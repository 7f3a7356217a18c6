import type * as pulumi from "@pulumi/pulumi";
import { bind } from "../container.ts";
import type { BackupsSpec, RepositorySpec, TenantSpec } from "../fleet-config/model.ts";
import { type LayoutEntry, type Owner, root } from "./layout.ts";

/** Owns tenants' files as their applications do, and needs no capability to read them. */
export const backupUser: Owner = "0:0";

/** Socket at which the running program is asked for a backup now, in its container. */
export const backupDoor = "/run/fleet/backup";

/** Its files inside the container. */
const config = "/etc/fleet";

/** What everybody on the host may know of backups: the agent reads it. */
export const statusDirectory = "backup/status";

/** Directories of a host whose tenants are backed up. Files in `status` inherit the agent's group. */
export const backupDirectories: LayoutEntry[] = [
  { kind: "directory", path: "backup", mode: "0755", owner: root },
  { kind: "directory", path: "backup/config", mode: "0700", owner: root },
  { kind: "directory", path: "backup/config/passwords", mode: "0700", owner: root },
  { kind: "directory", path: "backup/state", mode: "0700", owner: root },
  { kind: "directory", path: statusDirectory, mode: "2750", owner: "0:8050" },
];

/** A tenant and the passphrase of its repository. */
export interface BackedUpTenant {
  spec: TenantSpec;
  /** Secret. */
  password: pulumi.Input<string>;
}

/**
 * Directories and files of what backs a host's tenants up. The passphrase of a tenant that was removed stays, also beside the
 * one that it is given when it comes back: its repository is opened with the former one and given the new one then.
 */
export function backupLayout(
  { repository }: Pick<BackupsSpec, "repository">,
  configText: pulumi.Input<string>,
  tenants: readonly BackedUpTenant[],
): LayoutEntry[] {
  const file = (path: string, content: pulumi.Input<string>) => ({
    ...{ kind: "file" as const, path: `backup/config/${path}`, mode: "0400", owner: root, content },
  });
  const databases = tenants.flatMap(({ spec: { id, database } }) =>
    database ? [[id, database.password] as const] : [],
  );
  return [
    ...backupDirectories,
    // Before the config that tells of them. All in one: what a tenant's Postgres is opened with does not outlive that.
    file("databases.json", JSON.stringify(Object.fromEntries(databases))),
    file("backup.json", configText),
    ...tenants.map(({ spec, password }) => ({
      ...file(`passwords/${spec.id}`, password),
      kind: "passphrase" as const,
    })),
    ...(repository.kind === "folder" ? [] : [file("repository.key", `${repository.key.trimEnd()}\n`)]),
    ...(repository.kind === "sftp" ? [file("known_hosts", knownHosts(repository))] : []),
  ];
}

const knownHosts = ({ address, port, hostKey }: Extract<RepositorySpec, { kind: "sftp" }>): string =>
  `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;

/** What /etc/fleet/backup.json says. */
export const backupConfig = (
  host: string,
  stack: string,
  { repository, every, keep, drill }: BackupsSpec,
  tenants: readonly TenantSpec[],
): string =>
  JSON.stringify({
    host,
    repository: told(repository, stack),
    ...{ every, keep, drill },
    tenants: tenants.map((spec) => ({
      ...{ id: spec.id, version: versionOf(spec.image), entry: entryOf(spec) },
      ...(spec.database ? { database: { url: spec.database.url } } : {}),
    })),
    directories: {
      ...{ tenants: "/tenants", state: "/state", status: "/status", passwords: `${config}/passwords` },
      databases: `${config}/databases.json`,
    },
    door: backupDoor,
  });

/** A repository as the program is told of it: keys are files. */
function told(repository: RepositorySpec, stack: string) {
  switch (repository.kind) {
    case "folder":
      return { kind: "folder", path: "/repository", mark: stack };
    case "s3": {
      const { key: _, ...open } = repository;
      return { ...open, keyFile: `${config}/repository.key` };
    }
    case "sftp": {
      const { key: _, hostKey: __, ...open } = repository;
      return { ...open, keyFile: `${config}/repository.key`, knownHosts: `${config}/known_hosts` };
    }
  }
}

/** Of Open WebUI, as the image's tag names it: `v0.11.3`. */
export const versionOf = (image: string): string =>
  /^[^@]*:([\w][\w.-]*)(@.*)?$/.exec(image)?.[1] ?? "unknown";

/**
 * A tenant's entry without what is secret in it, which is in its environment's file and backed up as well, and without what
 * it has `up` do once with lost data.
 */
function entryOf({ connections, environment, branding, database, restore, fresh, ...spec }: TenantSpec) {
  return {
    ...spec,
    ...(database ? { database: { kind: database.kind, url: database.url } } : {}),
    ...(branding ? { branding: { ...branding, logo: branding.logo.split("/").at(-1) } } : {}),
    connections: connections.map(({ url }) => url),
    environment: Object.keys(environment),
  };
}

/** What it sees of its host; `path` is below the data root. */
export const backupMounts = (
  path: (...parts: string[]) => string,
  { repository }: Pick<BackupsSpec, "repository">,
) => [
  // As a whole: a tenant that comes or goes starts nothing anew, and of data that was renamed the one that serves is seen.
  bind(path("tenants"), "/tenants"),
  bind(path("backup/config"), config),
  bind(path("backup/state"), "/state", "read-write"),
  bind(path(statusDirectory), "/status", "read-write"),
  ...(repository.kind === "folder" ? [bind(repository.path, "/repository", "read-write")] : []),
];
