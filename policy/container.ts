import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";

/** What the program asks the docker provider for, once known. */
export type Container = pulumi.Unwrap<docker.ContainerArgs>;

export const containerType = "docker:index/container:Container";

/** Folders of the host that a container sees, however it was asked for. */
export const bindSources = ({ mounts = [], volumes = [] }: Container): string[] => [
  ...mounts.flatMap(({ type, source }) => (type === "bind" && source !== undefined ? [source] : [])),
  ...volumes.flatMap(({ hostPath }) => (hostPath === undefined ? [] : [hostPath])),
];

/**
 * Whether the container runs a tenant, by the label that the components give. No other label's value is read: one
 * that is unknown at preview would keep the rule from running.
 */
export const isTenant = ({ labels = [] }: Container): boolean =>
  labels.some((entry) => entry.label === "owui.role" && entry.value === "tenant");
