import type { Properties } from "../plugin/properties.ts";
import { printDuration } from "./duration.ts";

/** What the engine says about a container; the parts we read of GET /containers/…/json. */
export interface ContainerInspect {
  Id: string;
  Name: string;
  Image: string;
  Platform?: string;
  State: { Running: boolean; ExitCode: number; Health?: { Status: string } };
  Config: {
    Image: string;
    Hostname: string;
    Domainname: string;
    User: string;
    Cmd: string[] | null;
    Entrypoint: string[] | null;
    WorkingDir: string;
    Tty: boolean;
    OpenStdin: boolean;
    StopSignal?: string;
    StopTimeout?: number;
    Healthcheck?: {
      Test?: string[];
      Interval?: number;
      Timeout?: number;
      StartPeriod?: number;
      Retries?: number;
    };
  };
  HostConfig: {
    RestartPolicy: { Name: string; MaximumRetryCount: number };
    Memory: number;
    MemorySwap: number;
    MemoryReservation: number;
    CpuShares: number;
    CpusetCpus: string;
    NanoCpus: number;
    ReadonlyRootfs: boolean;
    Mounts?: MountInspect[];
    Tmpfs?: Record<string, string>;
    ShmSize: number;
    NetworkMode: string;
    PublishAllPorts: boolean;
    Dns: string[] | null;
    DnsOptions: string[] | null;
    DnsSearch: string[] | null;
    ExtraHosts: string[] | null;
    CapAdd: string[] | null;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    Privileged: boolean;
    GroupAdd: string[] | null;
    IpcMode: string;
    UsernsMode: string;
    Sysctls?: Record<string, string>;
    Runtime: string;
    LogConfig: { Type: string; Config: Record<string, string> | null };
    StorageOpt?: Record<string, string>;
    AutoRemove: boolean;
    Init?: boolean | null;
  };
  NetworkSettings: {
    Bridge?: string;
    Ports: Record<string, { HostIp: string; HostPort: string }[] | null> | null;
    Networks: Record<string, NetworkInspect> | null;
  };
}

/** One mount; the engine leaves out what was not said. */
interface MountInspect {
  Type: string;
  Target: string;
  Source?: string;
  ReadOnly?: boolean;
  BindOptions?: { Propagation?: string };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    DriverConfig?: { Name?: string; Options?: Record<string, string> };
  };
}

/** The container's end of one network; addresses are "" while it stands still. */
interface NetworkInspect {
  IPAddress: string;
  IPPrefixLen: number;
  Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  IPv6Gateway: string;
  MacAddress: string;
}

/** -1, for swap without a limit, is no size. */
const mebibytes = (bytes: number): number => (bytes > 0 ? Math.floor(bytes / (1024 * 1024)) : bytes);

/** Published ports by number; a container that stands still has none, which the next preview takes for a change. */
const ports = (inspected: ContainerInspect): Properties[] =>
  Object.entries(inspected.NetworkSettings.Ports ?? {})
    .flatMap(([key, bindings]) => {
      const [internal, protocol = "tcp"] = key.split("/");
      return (bindings ?? []).map(({ HostIp, HostPort }) => ({
        internal: Number(internal),
        external: Number(HostPort),
        ip: HostIp,
        protocol,
      }));
    })
    .sort((a, b) => a.internal - b.internal);

/** Networks in the order of their names: the engine's is another every time. */
const networkDatas = (inspected: ContainerInspect): Properties[] =>
  Object.entries(inspected.NetworkSettings.Networks ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([networkName, network]) => ({
      networkName,
      ipAddress: network.IPAddress,
      ipPrefixLength: network.IPPrefixLen,
      gateway: network.Gateway,
      globalIpv6Address: network.GlobalIPv6Address,
      globalIpv6PrefixLength: network.GlobalIPv6PrefixLen,
      ipv6Gateway: network.IPv6Gateway,
      macAddress: network.MacAddress,
    }));

const mount = ({ Type, Target, Source, ReadOnly, ...options }: MountInspect): Properties => {
  const { BindOptions: bind, TmpfsOptions: tmpfs, VolumeOptions: volume } = options;
  return {
    type: Type,
    target: Target,
    source: Source ?? "",
    readOnly: ReadOnly ?? false,
    ...(bind ? { bindOptions: { propagation: bind.Propagation ?? "" } } : {}),
    ...(tmpfs ? { tmpfsOptions: { sizeBytes: tmpfs.SizeBytes ?? 0, mode: tmpfs.Mode ?? 0 } } : {}),
    ...(volume
      ? {
          volumeOptions: {
            noCopy: volume.NoCopy ?? false,
            labels: Object.entries(volume.Labels ?? {}).map(([label, value]) => ({ label, value })),
            driverName: volume.DriverConfig?.Name ?? "",
            driverOptions: volume.DriverConfig?.Options ?? {},
          },
        }
      : {}),
  };
};

/** The check in force, the container's own or its image's. */
const healthcheck = (check: NonNullable<ContainerInspect["Config"]["Healthcheck"]>): Properties => ({
  tests: check.Test ?? [],
  interval: printDuration(check.Interval ?? 0),
  timeout: printDuration(check.Timeout ?? 0),
  startPeriod: printDuration(check.StartPeriod ?? 0),
  retries: check.Retries ?? 0,
});

/** What only tells something where the program asked for it: the engine's own answer is noise elsewhere. */
const onlyIfAsked = (inspected: ContainerInspect, asked: Properties): Properties => {
  const { LogConfig, NanoCpus, CapAdd, CapDrop } = inspected.HostConfig;
  return {
    ...(asked.ports ? { ports: ports(inspected) } : {}),
    ...(asked.logOpts ? { logOpts: LogConfig.Config ?? {} } : {}),
    ...(NanoCpus > 0 ? { cpus: String(NanoCpus / 1e9) } : {}),
    ...(CapAdd?.length || CapDrop?.length
      ? { capabilities: { adds: CapAdd ?? [], drops: CapDrop ?? [] } }
      : {}),
  };
};

/** Outputs: what the engine found out by itself. */
export const containerOutputs = (inspected: ContainerInspect): Properties => ({
  bridge: inspected.NetworkSettings.Bridge ?? "",
  containerLogs: "",
  exitCode: inspected.State.Running ? 0 : inspected.State.ExitCode,
  networkDatas: networkDatas(inspected),
  platform: inspected.Platform ?? "",
});

/**
 * A container's state. `asked` is the state or the inputs before: environment, labels, uploads, networks and volumes
 * are not read back and stay as they were asked for. One that stands still though it must run gets `mustRun: false`,
 * which is how the next preview learns of it.
 */
export const containerState = (inspected: ContainerInspect, asked: Properties): Properties => {
  const { Config: config, HostConfig: host } = inspected;
  const byId = typeof asked.image === "string" && asked.image.startsWith("sha256:");
  return {
    ...asked,
    ...containerOutputs(inspected),
    ...onlyIfAsked(inspected, asked),
    envs: asked.envs ?? [],
    labels: asked.labels ?? [],
    mustRun: asked.mustRun !== false && inspected.State.Running,
    name: inspected.Name.replace(/^\//, ""),
    image: byId ? inspected.Image : config.Image,
    hostname: config.Hostname,
    domainname: config.Domainname,
    user: config.User,
    command: config.Cmd ?? [],
    entrypoints: config.Entrypoint ?? [],
    workingDir: config.WorkingDir,
    tty: config.Tty,
    stdinOpen: config.OpenStdin,
    stopSignal: config.StopSignal ?? "",
    stopTimeout: config.StopTimeout ?? 0,
    ...(config.Healthcheck ? { healthcheck: healthcheck(config.Healthcheck) } : {}),
    restart: host.RestartPolicy.Name || "no",
    maxRetryCount: host.RestartPolicy.MaximumRetryCount,
    memory: mebibytes(host.Memory),
    memorySwap: mebibytes(host.MemorySwap),
    memoryReservation: mebibytes(host.MemoryReservation),
    cpuShares: host.CpuShares,
    cpuSet: host.CpusetCpus,
    readOnly: host.ReadonlyRootfs,
    mounts: (host.Mounts ?? []).map(mount),
    tmpfs: host.Tmpfs ?? {},
    shmSize: mebibytes(host.ShmSize),
    networkMode: host.NetworkMode,
    publishAllPorts: host.PublishAllPorts,
    dns: host.Dns ?? [],
    dnsOpts: host.DnsOptions ?? [],
    dnsSearches: host.DnsSearch ?? [],
    hosts: (host.ExtraHosts ?? []).map((entry) => {
      const colon = entry.indexOf(":");
      return { host: entry.slice(0, colon), ip: entry.slice(colon + 1) };
    }),
    securityOpts: host.SecurityOpt ?? [],
    privileged: host.Privileged,
    groupAdds: host.GroupAdd ?? [],
    ipcMode: host.IpcMode,
    usernsMode: host.UsernsMode,
    sysctls: host.Sysctls ?? {},
    runtime: host.Runtime,
    logDriver: host.LogConfig.Type,
    storageOpts: host.StorageOpt ?? {},
    rm: host.AutoRemove,
    init: host.Init ?? false,
  };
};
