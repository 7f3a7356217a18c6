import { replaces, updates } from "../plugin/resource.ts";
import {
  choice,
  type Filled,
  field,
  flag,
  list,
  map,
  number,
  object,
  set,
  type Type,
  text,
} from "../plugin/types.ts";
import { parseDuration } from "./duration.ts";

/** Text in Go's form. The state gets the canonical one: what is written otherwise ("60s") drifts, here as there. */
const duration: Type<string> = {
  ...text,
  failures: (value, property) =>
    typeof value === "string" && parseDuration(value) === undefined
      ? [{ property, reason: `${JSON.stringify(value)} is no duration: write it like 10s or 1m30s` }]
      : text.failures(value, property),
};

const computed = { computed: true } as const;
const required = { required: true } as const;

const label = object({ label: field(text, required), value: field(text, required) });

/** An entry of `mounts`: a source that does not exist is an error. */
const mount = object({
  type: field(choice("bind", "volume", "tmpfs"), required),
  target: field(text, required),
  source: field(text),
  readOnly: field(flag),
  bindOptions: field(
    object({ propagation: field(choice("private", "rprivate", "shared", "rshared", "slave", "rslave")) }),
  ),
  tmpfsOptions: field(object({ mode: field(number), sizeBytes: field(number) })),
  volumeOptions: field(
    object({
      driverName: field(text),
      driverOptions: field(map(text)),
      labels: field(set(label)),
      noCopy: field(flag),
    }),
  ),
});

/** An entry of `volumes`: a host path that does not exist is made, empty and root's. */
const volume = object({
  containerPath: field(text),
  fromContainer: field(text),
  hostPath: field(text),
  readOnly: field(flag),
  volumeName: field(text),
});

/** A network to be on, instead of the default bridge. */
const attachment = object({
  name: field(text, required),
  aliases: field(set(text)),
  ipv4Address: field(text),
  ipv6Address: field(text),
});

/** A published port; without `external` the engine picks one. */
const port = object({
  internal: field(number, required),
  external: field(number, computed),
  ip: field(text, { default: "0.0.0.0" }),
  protocol: field(text, { default: "tcp" }),
});

/** A file put into the container before it starts. */
const upload = object({
  file: field(text, required),
  content: field(text),
  contentBase64: field(text),
  source: field(text),
  sourceHash: field(text),
  executable: field(flag, { default: false }),
  permissions: field(text),
});

/** How the engine finds out whether it is healthy. */
const healthcheck = object({
  tests: field(list(text)),
  interval: field(duration, { default: "0s" }),
  timeout: field(duration, { default: "0s" }),
  startPeriod: field(duration, { default: "0s" }),
  retries: field(number, { default: 0 }),
});

/**
 * What a container takes. Nearly everything is fixed at creation. Of what counts as a change in place, the engine is
 * only told restart, maxRetryCount, memory*, cpuShares and cpuSet, and to start what must run: the rest (a new health
 * check, tmpfs, init …) is noted in the state and does not reach the container, here as with the real plugin.
 */
export const containerInputs = {
  // What runs
  name: replaces(text, required),
  image: replaces(text, required),
  command: replaces(list(text), computed),
  entrypoints: replaces(list(text), computed),
  envs: replaces(set(text), computed),
  labels: replaces(set(label), computed),
  user: replaces(text, computed),
  workingDir: replaces(text, computed),
  hostname: replaces(text, computed),
  domainname: replaces(text),

  // Files
  mounts: replaces(set(mount)),
  volumes: replaces(set(volume)),
  tmpfs: updates(map(text)),
  uploads: replaces(set(upload)),
  readOnly: replaces(flag, { default: false }),
  storageOpts: replaces(map(text)),
  shmSize: replaces(number, computed),

  // Network
  networkMode: replaces(text, { default: "bridge" }),
  networksAdvanced: replaces(set(attachment)),
  ports: replaces(set(port)),
  publishAllPorts: replaces(flag),
  dns: replaces(set(text)),
  dnsOpts: replaces(set(text)),
  dnsSearches: replaces(set(text)),
  hosts: replaces(set(object({ host: field(text, required), ip: field(text, required) }))),

  // Restarts and limits; memory in MiB
  restart: updates(choice("no", "on-failure", "always", "unless-stopped"), { default: "no" }),
  maxRetryCount: updates(number),
  memory: updates(number),
  memorySwap: updates(number),
  memoryReservation: updates(number, { default: 0 }),
  cpuShares: updates(number),
  cpuSet: updates(text),
  cpus: replaces(text),
  cpuPeriod: updates(number),
  cpuQuota: updates(number),
  ulimits: replaces(
    set(
      object({ name: field(text, required), soft: field(number, required), hard: field(number, required) }),
    ),
  ),
  sysctls: replaces(map(text)),

  // Rights
  capabilities: replaces(object({ adds: field(set(text)), drops: field(set(text)) })),
  privileged: replaces(flag),
  securityOpts: replaces(set(text), computed),
  groupAdds: replaces(set(text)),
  pidMode: replaces(text),
  ipcMode: replaces(text, computed),
  usernsMode: replaces(text),
  cgroupnsMode: replaces(choice("private", "host")),
  cgroupParent: replaces(text),
  runtime: replaces(text, computed),

  // Health, logs, signals
  healthcheck: updates(healthcheck, computed),
  logDriver: replaces(text, computed),
  logOpts: replaces(map(text)),
  stopSignal: replaces(text, computed),
  stopTimeout: replaces(number, computed),
  tty: replaces(flag, { default: false }),
  stdinOpen: replaces(flag, { default: false }),
  init: updates(flag, computed),

  // How the update deals with it
  start: updates(flag, { default: true }),
  mustRun: updates(flag, { default: true }),
  wait: updates(flag, { default: false }),
  waitTimeout: updates(number, { default: 60 }),
  rm: updates(flag, { default: false }),
  removeVolumes: updates(flag, { default: true }),
  destroyGraceSeconds: updates(number),
  containerReadRefreshTimeoutMilliseconds: updates(number, { default: 15_000 }),
};

/** A container's inputs with their defaults. */
export type ContainerInputs = Filled<typeof containerInputs>;
