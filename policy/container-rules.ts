import { posix } from "node:path";
import { bindSources, type Container } from "./container.ts";

/** What is wrong with a container, in a sentence each; nothing wrong is an empty list. */
export type ContainerRule = (container: Container) => string[];

/** A privileged container is root on the host. */
export const unprivileged: ContainerRule = ({ privileged }) =>
  privileged
    ? [
        "The container is privileged, so whoever breaks it owns the host. Name the capabilities it needs instead.",
      ]
    : [];

/** Whoever reaches the engine's socket is root on the host, whatever the container's own limits. */
export const withoutEngineSocket: ContainerRule = (container) =>
  bindSources(container)
    .filter((source) => sockets.some((socket) => isWithin(source, socket)))
    .map(
      (source) =>
        `The container sees the Docker engine's socket through ${source}, so whoever breaks it owns the host. Remove the mount; let a command on the host do the work.`,
    );

const sockets = ["/var/run/docker.sock", "/run/docker.sock"];

/** Containers see nothing of the host but its data root. */
export const bindsWithin =
  (roots: readonly string[]): ContainerRule =>
  (container) =>
    bindSources(container)
      .filter((source) => !roots.some((root) => isWithin(root, source)))
      .map(
        (source) =>
          `The container sees ${source}, which lies outside the host's data root (${roots.join(", ")}). Put the file there, or add its folder to the policy's roots.`,
      );

/** Whether a path is a folder or lies in it, once dots are resolved. */
function isWithin(folder: string, path: string): boolean {
  const relative = posix.relative(folder, path);
  return relative !== ".." && !relative.startsWith("../") && !posix.isAbsolute(relative);
}
