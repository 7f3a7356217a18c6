import type { ContainerInputs } from "./container-inputs.ts";
import { parseDuration } from "./duration.ts";
import { labelMap } from "./engine.ts";

/** What the engine is sent for a container, as pure functions of its inputs. Memory comes in MiB. */

const mebibyte = 1024 * 1024;

const bytes = (mebibytes: number | undefined): number | undefined =>
  mebibytes === undefined ? undefined : mebibytes * mebibyte;

/** -1 lifts the limit on swap, and is no size. */
const swapBytes = (mebibytes: number | undefined): number | undefined =>
  mebibytes !== undefined && mebibytes > 0 ? mebibytes * mebibyte : mebibytes;

const nanoseconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : parseDuration(duration);

type Mount = NonNullable<ContainerInputs["mounts"]>[number];

/** A mount of type bind fails when its source is missing, where an entry of `volumes` would create it. */
const mountSpec = ({ type, target, source, readOnly, bindOptions, tmpfsOptions, volumeOptions }: Mount) => ({
  Type: type,
  Target: target,
  Source: source,
  ReadOnly: readOnly,
  BindOptions: type === "bind" && bindOptions ? { Propagation: bindOptions.propagation } : undefined,
  TmpfsOptions:
    type === "tmpfs" && tmpfsOptions
      ? { SizeBytes: tmpfsOptions.sizeBytes, Mode: tmpfsOptions.mode }
      : undefined,
  VolumeOptions:
    type === "volume" && volumeOptions
      ? {
          NoCopy: volumeOptions.noCopy,
          Labels: labelMap(volumeOptions.labels),
          DriverConfig: { Name: volumeOptions.driverName, Options: volumeOptions.driverOptions },
        }
      : undefined,
});

/** `source:path:mode` of volumes that have a source. */
const binds = (volumes: NonNullable<ContainerInputs["volumes"]>) =>
  volumes.flatMap(({ hostPath, volumeName, containerPath, readOnly }) => {
    const source = hostPath ?? volumeName;
    return source && containerPath ? [`${source}:${containerPath}:${readOnly ? "ro" : "rw"}`] : [];
  });

/** Places in the container that are volumes, whatever they are bound to. */
const containerPaths = (volumes: NonNullable<ContainerInputs["volumes"]>) =>
  Object.fromEntries(volumes.flatMap(({ containerPath }) => (containerPath ? [[containerPath, {}]] : [])));

type Port = NonNullable<ContainerInputs["ports"]>[number];

/** The engine's name for a port: `80/tcp`. */
const portKey = ({ internal, protocol }: Port) => `${internal}/${protocol}`;

/** One port can be bound to several addresses, each an entry of its own. */
const portBindings = (ports: Port[]) => {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const binding = { HostIp: port.ip, HostPort: String(port.external ?? "") };
    bindings[portKey(port)] = [...(bindings[portKey(port)] ?? []), binding];
  }
  return bindings;
};

/** `systempaths=unconfined` is the client's word for two empty lists; the engine does not know it. */
const securitySpec = (options: string[] | undefined) => ({
  SecurityOpt: options?.filter((option) => option !== "systempaths=unconfined"),
  ...(options?.includes("systempaths=unconfined") ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
});

/** Undefined: the image's own check counts. */
const healthSpec = (check: ContainerInputs["healthcheck"]) =>
  check && {
    Test: check.tests,
    Interval: nanoseconds(check.interval),
    Timeout: nanoseconds(check.timeout),
    StartPeriod: nanoseconds(check.startPeriod),
    Retries: check.retries,
  };

/** What can be changed while the container lives: the body of an update, and a part of the creation's. */
export const adjustableSpec = (inputs: ContainerInputs) => ({
  RestartPolicy: { Name: inputs.restart, MaximumRetryCount: inputs.maxRetryCount ?? 0 },
  Memory: bytes(inputs.memory) ?? 0,
  MemoryReservation: bytes(inputs.memoryReservation),
  MemorySwap: swapBytes(inputs.memorySwap),
  CpuShares: inputs.cpuShares,
  CpusetCpus: inputs.cpuSet,
});

/** The part that is about the machine: limits, mounts, network, rights. */
const hostSpec = (inputs: ContainerInputs) => ({
  ...adjustableSpec(inputs),
  ...securitySpec(inputs.securityOpts),
  // `cpus` wins over the two numbers that say the same.
  NanoCpus: inputs.cpus === undefined ? undefined : Math.round(Number(inputs.cpus) * 1e9),
  CpuPeriod: inputs.cpus === undefined ? inputs.cpuPeriod : undefined,
  CpuQuota: inputs.cpus === undefined ? inputs.cpuQuota : undefined,
  Ulimits: inputs.ulimits?.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
  Sysctls: inputs.sysctls,

  Mounts: inputs.mounts?.map(mountSpec),
  Binds: binds(inputs.volumes ?? []),
  VolumesFrom: inputs.volumes?.flatMap(({ fromContainer }) => fromContainer ?? []),
  Tmpfs: inputs.tmpfs,
  ReadonlyRootfs: inputs.readOnly,
  StorageOpt: inputs.storageOpts,
  ShmSize: bytes(inputs.shmSize),

  NetworkMode: inputs.networkMode,
  PortBindings: portBindings(inputs.ports ?? []),
  PublishAllPorts: inputs.publishAllPorts,
  Dns: inputs.dns,
  DnsOptions: inputs.dnsOpts,
  DnsSearch: inputs.dnsSearches,
  ExtraHosts: inputs.hosts?.map(({ host, ip }) => `${host}:${ip}`),

  CapAdd: inputs.capabilities?.adds,
  CapDrop: inputs.capabilities?.drops,
  Privileged: inputs.privileged,
  GroupAdd: inputs.groupAdds,
  PidMode: inputs.pidMode,
  IpcMode: inputs.ipcMode,
  UsernsMode: inputs.usernsMode,
  CgroupnsMode: inputs.cgroupnsMode,
  CgroupParent: inputs.cgroupParent,
  Runtime: inputs.runtime,

  LogConfig: { Type: inputs.logDriver ?? "", Config: inputs.logOpts ?? {} },
  AutoRemove: inputs.rm,
  Init: inputs.init ?? false,
});

/** The body of POST /containers/create. */
export const containerSpec = (inputs: ContainerInputs) => ({
  Image: inputs.image,
  Cmd: inputs.command,
  Entrypoint: inputs.entrypoints,
  Env: inputs.envs,
  Labels: labelMap(inputs.labels),
  User: inputs.user,
  WorkingDir: inputs.workingDir,
  Hostname: inputs.hostname,
  Domainname: inputs.domainname,
  Tty: inputs.tty,
  OpenStdin: inputs.stdinOpen,
  StopSignal: inputs.stopSignal,
  StopTimeout: inputs.stopTimeout,
  Healthcheck: healthSpec(inputs.healthcheck),
  ExposedPorts: Object.fromEntries((inputs.ports ?? []).map((port) => [portKey(port), {}])),
  Volumes: containerPaths(inputs.volumes ?? []),
  HostConfig: hostSpec(inputs),
});

type Attachment = NonNullable<ContainerInputs["networksAdvanced"]>[number];

/** The body of POST /networks/…/connect. */
export const attachmentSpec = (container: string, { aliases, ipv4Address, ipv6Address }: Attachment) => ({
  Container: container,
  EndpointConfig: {
    Aliases: aliases,
    IPAMConfig: { IPv4Address: ipv4Address, IPv6Address: ipv6Address },
  },
});
