import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { known } from "./known.ts";

/** What the program asks the docker provider for, once known. */
export type Container = pulumi.Unwrap<docker.ContainerArgs>;

export const containerType = "docker:index/container:Container";

/** Something of the host that a container sees. */
export interface BindMount {
  source: string;
  target: string;
  readOnly: boolean;
}

/** Everything of the host that a container sees, however it was asked for. */
export const bindMounts = ({ mounts = [], volumes = [] }: Container): BindMount[] => [
  ...mounts.flatMap(({ type, source, target, readOnly = false }) =>
    type === "bind" && source !== undefined ? [{ source, target, readOnly }] : [],
  ),
  ...volumes.flatMap(({ hostPath, containerPath = "", readOnly = false }) =>
    hostPath === undefined ? [] : [{ source: hostPath, target: containerPath, readOnly }],
  ),
];

/** Folders of the host that a container sees. */
export const bindSources = (container: Container): string[] =>
  bindMounts(container).map(({ source }) => source);

/** A label's value; undefined where it has none, or it is known only after `up`. */
export const labelOf = ({ labels = [] }: Container, name: string): string | undefined => {
  const found = labels.find(({ label }) => label === name);
  return found && known(() => found.value);
};

/**
 * Whether the container runs a tenant, by the label that the components give. No other label's value is read: one
 * that is unknown at preview would keep the rule from running.
 */
export const isTenant = ({ labels = [] }: Container): boolean =>
  labels.some((entry) => entry.label === "owui.role" && entry.value === "tenant");
