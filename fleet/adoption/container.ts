import { posix } from "node:path";
import * as z from "zod";

/** Of a container or an image, what `docker inspect` says and is read here. */
const Environment = z
  .array(z.string())
  .nullish()
  .transform((lines) => lines ?? []);

const Mount = z.object({
  Type: z.string(),
  Name: z.string().nullish(),
  Source: z.string().default(""),
  Destination: z.string(),
  RW: z.boolean().default(true),
});

const Inspected = z.object({
  Id: z.string().regex(/^[0-9a-f]{64}$/),
  Name: z.string().transform((name) => name.replace(/^\//, "")),
  Image: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  State: z.object({ Running: z.boolean(), Paused: z.boolean().default(false) }),
  Config: z.object({
    Image: z.string(),
    User: z.string().default(""),
    Env: Environment,
    Labels: z
      .record(z.string(), z.string())
      .nullish()
      .transform((labels) => labels ?? {}),
  }),
  HostConfig: z.object({
    AutoRemove: z.boolean().default(false),
    RestartPolicy: z
      .object({ Name: z.string().default(""), MaximumRetryCount: z.number().default(0) })
      .prefault({}),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.object({ HostIp: z.string().default(""), HostPort: z.string().default("") })).nullable(),
      )
      .nullish()
      .transform((ports) => ports ?? {}),
    NetworkMode: z.string().default(""),
    Mounts: z
      .array(
        z.object({
          Target: z.string(),
          VolumeOptions: z.object({ Subpath: z.string().optional() }).nullish(),
        }),
      )
      .nullish()
      .transform((mounts) => mounts ?? []),
  }),
  Mounts: z
    .array(Mount)
    .nullish()
    .transform((mounts) => mounts ?? []),
});

const InspectedImage = z.object({
  Id: z.string(),
  Config: z
    .object({
      Env: Environment,
      Labels: z
        .record(z.string(), z.string())
        .nullish()
        .transform((labels) => labels ?? {}),
    })
    .nullish(),
});

/** A volume or a folder of the host that a container sees. */
export interface MountedPlace {
  kind: "volume" | "bind";
  /** Name of the volume, path of the folder. */
  source: string;
  /** Where the container sees it. */
  target: string;
  writable: boolean;
}

/** A container that is to be adopted, as far as Docker knows it. */
export interface SourceContainer {
  id: string;
  name: string;
  /** As it was asked for: `ghcr.io/open-webui/open-webui:main`. */
  image: string;
  imageId: string;
  running: boolean;
  paused: boolean;
  /** Removed by Docker as soon as it stops. */
  autoRemove: boolean;
  /** `unless-stopped`, `on-failure:5`, as `docker update` takes it. */
  restart: string;
  user: string;
  /** What it was told beyond its image's own variables. */
  environment: Record<string, string>;
  labels: Record<string, string>;
  /** `0.0.0.0:3000 to 8080/tcp` */
  ports: string[];
  mounts: MountedPlace[];
  /** Mounted in ways that are not read here: `tmpfs at /x`. */
  otherMounts: string[];
}

/** The containers that `adoption.sh find` printed: a line of containers, a line of their images. */
export function readContainers(said: string): SourceContainer[] {
  const [containers = "[]", images = "[]"] = said.split("\n");
  const known = new Map(
    z
      .array(InspectedImage)
      .parse(JSON.parse(images))
      .map(({ Id, Config }) => [Id, Config ?? undefined]),
  );
  return z
    .array(Inspected)
    .parse(JSON.parse(containers))
    .map((one) => sourceContainer(one, known.get(one.Image)));
}

function sourceContainer(
  { Id, Name, Image, State, Config, HostConfig, Mounts }: z.infer<typeof Inspected>,
  image: NonNullable<z.infer<typeof InspectedImage>["Config"]> | undefined,
): SourceContainer {
  const own = new Map((image?.Env ?? []).map(splitVariable));
  const { Name: policy, MaximumRetryCount } = HostConfig.RestartPolicy;
  const subpaths = HostConfig.Mounts.filter(({ VolumeOptions }) => VolumeOptions?.Subpath);
  const isPart = ({ Destination }: z.infer<typeof Mount>) =>
    subpaths.some(({ Target }) => Target === Destination);
  const read = Mounts.filter((mount) => ["volume", "bind"].includes(mount.Type) && !isPart(mount));
  return {
    ...{ id: Id, name: Name, image: Config.Image, imageId: Image, user: Config.User, labels: Config.Labels },
    ...{ running: State.Running, paused: State.Paused, autoRemove: HostConfig.AutoRemove },
    restart:
      policy === "on-failure" && MaximumRetryCount > 0 ? `${policy}:${MaximumRetryCount}` : policy || "no",
    environment: Object.fromEntries(
      Config.Env.map(splitVariable).filter(([name, value]) => own.get(name) !== value),
    ),
    ports: Object.entries(HostConfig.PortBindings).flatMap(([port, bindings]) =>
      (bindings ?? []).map(
        ({ HostIp, HostPort }) => `${HostIp || "0.0.0.0"}:${HostPort || "any"} to ${port}`,
      ),
    ),
    mounts: read.map(({ Type, Name: volume, Source, Destination, RW }) => ({
      kind: Type === "volume" ? "volume" : "bind",
      source: Type === "volume" ? (volume ?? "") : Source,
      target: posix.normalize(Destination),
      writable: RW,
    })),
    otherMounts: Mounts.filter((mount) => !read.includes(mount)).map(
      ({ Type, Destination }) => `${Type} at ${Destination}`,
    ),
  };
}

const splitVariable = (line: string): [string, string] => {
  const at = line.indexOf("=");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
};

/** Where upstream keeps its data, unless it is told otherwise. */
const DATA = "/app/backend/data";

/** Whether a container is an Open WebUI: its image says so, or where its data is. */
export const isOpenWebui = ({ image, mounts, environment, labels }: SourceContainer): boolean =>
  /open-?webui/i.test(image) ||
  /open-?webui/i.test(labels["org.opencontainers.image.title"] ?? "") ||
  mounts.some(({ target }) => target === (environment.DATA_DIR ?? DATA));

/** Where a container's database and data are, as it sees them. */
export interface DataPlace {
  data: string;
  database: string;
}

/** A database that is none of SQLite's. */
export interface OtherDatabase {
  /** `postgresql`, without where it is and who signs in. */
  scheme: string;
}

/** Where it keeps its data, by its variables. */
export function dataPlace({ environment }: Pick<SourceContainer, "environment">): DataPlace | OtherDatabase {
  const data = posix.resolve("/app/backend", environment.DATA_DIR || DATA);
  const url = environment.DATABASE_URL ?? "";
  if (url === "") {
    const type = environment.DATABASE_TYPE ?? "";
    return type === "" || type === "sqlite"
      ? { data, database: posix.join(data, "webui.db") }
      : { scheme: type };
  }
  const [, scheme = "unknown", path] = /^([a-z0-9+]+):\/\/(.*)$/is.exec(url) ?? [];
  if (scheme.toLowerCase() !== "sqlite" || path === undefined || !path.startsWith("/")) return { scheme };
  // `sqlite:///relative` and `sqlite:////absolute`, as SQLAlchemy reads them.
  const database = posix.resolve("/app/backend", path.slice(1).split("?")[0] ?? "");
  return { data, database };
}

/** Where a path of a container lies: in which mount, and how far below. */
export function mountOf(path: string, mounts: readonly MountedPlace[]): MountedPlace | undefined {
  const around = mounts.filter(
    ({ target }) => path === target || path.startsWith(target === "/" ? "/" : `${target}/`),
  );
  return around.sort((a, b) => b.target.length - a.target.length)[0];
}

/** The mounts below a folder, or around it: with them a look from elsewhere sees what the container sees there. */
export const mountsOf = (folder: string, mounts: readonly MountedPlace[]): MountedPlace[] => {
  const around = mountOf(folder, mounts);
  const below = mounts.filter(({ target }) => target.startsWith(`${folder}/`));
  return [...(around ? [around] : []), ...below].sort((a, b) => a.target.length - b.target.length);
};
