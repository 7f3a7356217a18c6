import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { postgresImage } from "./host/postgres-image.ts";
import { buildContext } from "./runtime-image/build-context.ts";

/** Where agent and node find their entry points inside the image. */
export const entryPoint = (program: "agent" | "backup" | "writer" | "node"): string[] => [
  "node",
  `/app/${program}.mjs`,
];

/**
 * The image of agent and nodes, built inside the stack on one host's engine.
 *
 * Its tag is the digest of its content: unchanged source leaves the image, and so every container, as it is.
 */
export function runtimeImage(name: string, opts: pulumi.CustomResourceOptions): docker.Image {
  const context = buildContext();
  return new docker.Image(
    name,
    {
      imageName: context.then(({ digest }) => `owui-sync-runtime:${digest}`),
      build: {
        context: context.then(({ directory }) => directory),
        platform: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
      },
      skipPush: true,
    },
    opts,
  );
}

/** What the image of backups holds besides the programs and restic. */
export interface BackupImageParts {
  /** An ssh client where backups go by sftp. */
  base: "plain" | "ssh";
  /** Major version of the Postgres whose `pg_dump` it has; absent: none. */
  postgres?: number;
}

/** The image of what backs tenants up: the same programs, and restic. Built as {@link runtimeImage} is. */
export function backupImage(
  name: string,
  { base, postgres }: BackupImageParts,
  opts: pulumi.CustomResourceOptions,
): docker.Image {
  const context = buildContext();
  const target = postgres === undefined ? base : `${base}-postgres`;
  return new docker.Image(
    name,
    {
      imageName: context.then(({ digest }) => `owui-backup:${digest}-${target}${postgres ?? ""}`),
      build: {
        context: context.then(({ directory }) => directory),
        dockerfile: context.then(({ directory }) => `${directory}/backup.Dockerfile`),
        target,
        ...(postgres === undefined ? {} : { args: { POSTGRES: postgresImage(postgres) } }),
        platform: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
      },
      skipPush: true,
    },
    opts,
  );
}
