import { posix } from "node:path";
import { bindSources, type Container } from "./container.ts";
import { known } from "./known.ts";

/** What is wrong with a container, in a sentence each; nothing wrong is an empty list. */
export type ContainerRule = (container: Container) => string[];

/** A privileged container is root on the host. */
export const unprivileged: ContainerRule = ({ privileged }) =>
  privileged
    ? [
        "The container is privileged, so whoever breaks it owns the host. Name the capabilities it needs instead.",
      ]
    : [];

/** Capabilities by which a container's root is the host's. */
const powers = ["ALL", "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "NET_ADMIN", "SYS_ADMIN", "SYS_BOOT"].concat([
  "SYS_MODULE",
  "SYS_PTRACE",
  "SYS_RAWIO",
]);

/** A container has namespaces of its own, no device and no power over the host. */
export const confined: ContainerRule = ({ capabilities, devices = [], ipcMode, pidMode, usernsMode }) => [
  ...(capabilities?.adds ?? [])
    .filter((name) => powers.includes(name.replace(/^CAP_/, "")))
    .map((name) => `The container has the capability ${name}, by which its root is the host's. Take it out.`),
  ...Object.entries({ ipcMode, pidMode, usernsMode })
    .filter(([, mode]) => mode === "host")
    .map(([name]) => `The container shares the host's ${name.slice(0, -4)} namespace. Leave ${name} out.`),
  ...devices.map(({ hostPath }) => `The container has the host's device ${hostPath}. Leave devices out.`),
];

/** What a container publishes is reached at an address that somebody named; the engine passes by a host's own firewall. */
export const publishedPorts: ContainerRule = ({ ports = [] }) =>
  ports
    .filter((port) => known(() => port.ip === undefined || ["", "0.0.0.0", "::"].includes(port.ip)))
    .map(
      ({ internal }) =>
        `The container publishes its port ${internal} on every address of the host, past its firewall. Name the address in the port's ip.`,
    );

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
export function isWithin(folder: string, path: string): boolean {
  const relative = posix.relative(folder, path);
  return relative !== ".." && !relative.startsWith("../") && !posix.isAbsolute(relative);
}
