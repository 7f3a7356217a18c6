import type * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import type { Bytes } from "./fleet-config.ts";

/** What a container does in a fleet. */
export type Role =
  | "nginx"
  | "acme"
  | "agent"
  | "writer"
  | "backup"
  | "postgres"
  | "node"
  | "tenant"
  | "prometheus"
  | "alertmanager";

/** Whose container it is; `of` tells nodes and tenants apart. */
export interface ContainerIdentity {
  stack: string;
  role: Role;
  of?: string;
}

/** `owui-local-tenant-acme`: containers and networks are named alike, so that one filter finds a stack's. */
export const dockerName = ({ stack, role, of }: ContainerIdentity): string =>
  of === undefined ? `owui-${stack}-${role}` : `owui-${stack}-${role}-${of}`;

/** Labels by which tools find a stack's containers without parsing names. */
export const dockerLabels = ({ stack, role, of }: ContainerIdentity): Record<string, string> => ({
  "owui.stack": stack,
  "owui.role": role,
  ...(of !== undefined && (role === "node" || role === "tenant") ? { [`owui.${role}`]: of } : {}),
});

/** How a container's health is found out; the third failure counts. */
export interface Health {
  /** Argv after `CMD`, or a line after `CMD-SHELL`. */
  test: string[];
  /** How long after its start a failure does not count. */
  startPeriod: string;
  /** Between two tests, and until the first: `up` waits that long at least. 10 s. */
  interval?: string;
  /** Seconds `up` waits for the first good answer, 60. */
  patience?: number;
}

/** A container as a component declares it; the rest is the same for all of them. */
export interface FleetContainer
  extends Omit<
    docker.ContainerArgs,
    "name" | "labels" | "memory" | "memorySwap" | "memoryReservation" | "healthcheck"
  > {
  identity: ContainerIdentity;
  labels?: Record<string, pulumi.Input<string>>;
  memory: { reserved?: Bytes; limit: Bytes };
  health: Health;
}

/**
 * Arguments every container of a fleet shares: no capability it does not name, no way to gain one, bounded memory
 * and logs, back after a crash or a reboot, and up only once it is healthy.
 */
export const fleetContainer = ({
  identity,
  labels,
  memory,
  health,
  capabilities,
  ...args
}: FleetContainer): docker.ContainerArgs => ({
  name: dockerName(identity),
  labels: labelList({ ...dockerLabels(identity), ...labels }),
  restart: "unless-stopped",
  logDriver: "json-file",
  logOpts: { "max-size": "10m", "max-file": "3" },
  capabilities: { drops: ["ALL"], ...capabilities },
  securityOpts: ["no-new-privileges:true"],
  memory: mebibytes(memory.limit),
  // Unset, the engine doubles it and the next refresh finds a drift.
  memorySwap: mebibytes(memory.limit),
  ...(memory.reserved === undefined ? {} : { memoryReservation: mebibytes(memory.reserved) }),
  healthcheck: {
    tests: health.test,
    interval: health.interval ?? "10s",
    timeout: "5s",
    retries: 3,
    startPeriod: health.startPeriod,
  },
  wait: true,
  waitTimeout: health.patience ?? 60,
  // Without it the provider kills at once, and a database has to recover.
  destroyGraceSeconds: 20,
  ...args,
});

/**
 * Whether a program listens on a port in its container, as the kernel lists it (0A), on either family. A connection would
 * tell no more of those that answer to certificates alone, which their own containers do not have; and a Node
 * started for every look costs more than what is looked at: 92 ms of processor every five seconds, where this takes 9.
 */
export const listensTest = (port: number): string[] => [
  "CMD",
  "grep",
  "-q",
  `:${port.toString(16).toUpperCase()} 0*:0000 0A`,
  "/proc/net/tcp",
  "/proc/net/tcp6",
];

/** Docker's labels, in the order they are written. */
export const labelList = (labels: Record<string, pulumi.Input<string>>) =>
  Object.entries(labels).map(([label, value]) => ({ label, value }));

/** A bind that fails when its source is missing, instead of making an empty directory there. */
export const bind = (source: string, target: string, access: "read-only" | "read-write" = "read-only") => ({
  type: "bind",
  source,
  target,
  readOnly: access === "read-only",
});

/** A port that only the host itself reaches. */
export const loopbackPort = (internal: number, external: number) => ({
  internal,
  external,
  ip: "127.0.0.1",
  protocol: "tcp",
});

/** The provider counts memory in MiB. */
const mebibytes = (bytes: Bytes): number => Math.round(bytes / 2 ** 20);
