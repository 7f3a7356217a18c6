import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
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

/**
 * The image of what backs tenants up: the same programs, restic, and an ssh client where backups go by sftp. Built as
 * {@link runtimeImage} is.
 */
export function backupImage(
  name: string,
  target: "plain" | "ssh",
  opts: pulumi.CustomResourceOptions,
): docker.Image {
  const context = buildContext();
  return new docker.Image(
    name,
    {
      imageName: context.then(({ digest }) => `owui-backup:${digest}-${target}`),
      build: {
        context: context.then(({ directory }) => directory),
        dockerfile: context.then(({ directory }) => `${directory}/backup.Dockerfile`),
        target,
        platform: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
      },
      skipPush: true,
    },
    opts,
  );
}
