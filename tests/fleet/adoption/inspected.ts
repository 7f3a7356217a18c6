import type { SourceContainer } from "../../../fleet/adoption/container.ts";
import type { Inspection } from "../../../fleet/adoption/inspection.ts";
import type { ImageFacts, Survey } from "../../../fleet/adoption/survey.ts";

const id = "a".repeat(64);
const image = `sha256:${"b".repeat(64)}`;

/** What `docker container inspect` tells of a deployment as upstream's README makes it. */
export const inspected = () => ({
  Id: id,
  Name: "/open-webui",
  Image: image,
  State: { Running: true, Paused: false },
  Config: {
    Image: "ghcr.io/open-webui/open-webui:v0.11.3",
    User: "",
    Env: ["PATH=/bin", "WEBUI_NAME=Acme", "EMPTY=", "PORT=8081"],
    Labels: {},
  },
  HostConfig: {
    AutoRemove: false,
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 5 },
    PortBindings: {
      "8080/tcp": [
        { HostIp: "", HostPort: "3000" },
        { HostIp: "127.0.0.1", HostPort: "" },
      ],
      "9/udp": null,
    },
    NetworkMode: "bridge",
    Mounts: null,
  },
  Mounts: [
    {
      Type: "volume",
      Name: "open-webui",
      Source: "/var/lib/docker/volumes/open-webui/_data",
      Destination: "/app/backend/data",
      RW: true,
    },
    { Type: "tmpfs", Source: "", Destination: "/tmp", RW: true },
  ],
});

/** As `adoption.sh find` prints it. */
export const said = (one: object): string =>
  `${JSON.stringify([one])}\n${JSON.stringify([{ Id: image, Config: { Env: ["PATH=/bin", "PORT=8080"], Labels: null } }])}\n`;

export const sourceOf = (change: Partial<SourceContainer>): SourceContainer => ({
  ...{ id, name: "open-webui", image: "ghcr.io/open-webui/open-webui:v0.11.3", imageId: image },
  ...{
    running: true,
    paused: false,
    autoRemove: false,
    restart: "always",
    user: "",
    environment: {},
    labels: {},
  },
  ...{ ports: [], otherMounts: [] },
  mounts: [{ kind: "volume", source: "open-webui", target: "/app/backend/data", writable: true }],
  ...change,
});

export const facts = (change: Partial<ImageFacts> = {}): ImageFacts => ({
  version: "0.11.3",
  revisions: new Set(["head1", "head2"]),
  tables: new Set(["user", "auth", "chat", "file"]),
  static: new Map(),
  changed: [],
  ...change,
});

export const surveyed = (
  change: Partial<Survey["database"]> = {},
  tree: Partial<Survey["tree"]> = {},
): Survey => ({
  database: {
    ...{ bytes: 1e6, journal: "wal", unclean: false, heads: ["head2"] },
    ...{ tables: ["alembic_version", "auth", "chat", "file", "user"], users: 3, chats: 10, files: 1 },
    ...{ admins: [{ email: "ana@acme.example", name: "Ana" }], settings: true },
    ...change,
  },
  tree: { ...{ files: 1, bytes: 100, uploads: 1, vectors: 0, leftOut: [], leftOutCount: 0 }, ...tree },
  keyFile: false,
  free: 1e10,
});

export const inspection = (change: Partial<Inspection> = {}): Inspection => ({
  wanted: { kind: "container", name: "open-webui" },
  container: sourceOf({}),
  reading: { mounts: "", asked: { database: "/source/webui.db", data: "/source", uploads: null } },
  survey: surveyed(),
  from: facts(),
  image: "ghcr.io/open-webui/open-webui:v0.11.3",
  to: facts(),
  writers: [],
  ...change,
});
