import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { contextDigest, ignoredBy } from "../../../toolchain/providers/docker/build-context.ts";
import {
  type ContainerInputs,
  containerInputs,
} from "../../../toolchain/providers/docker/container-inputs.ts";
import { attachmentSpec, containerSpec } from "../../../toolchain/providers/docker/container-spec.ts";
import {
  type ContainerInspect,
  containerState,
} from "../../../toolchain/providers/docker/container-state.ts";
import { parseDuration, printDuration } from "../../../toolchain/providers/docker/duration.ts";
import { Engine } from "../../../toolchain/providers/docker/engine.ts";
import { buildArguments } from "../../../toolchain/providers/docker/image.ts";
import { repositoryOf } from "../../../toolchain/providers/docker/image-lookup.ts";
import { tarArchive } from "../../../toolchain/providers/docker/tar.ts";
import { keptFields } from "../../../toolchain/providers/plugin/types.ts";

const spec = (given: object) =>
  JSON.parse(
    JSON.stringify(containerSpec(keptFields(containerInputs as never, given as never) as ContainerInputs)),
  );

test("a container's limits are told to the engine in bytes and billionths", () => {
  const { HostConfig } = spec({ name: "n", image: "i", memory: 64, memorySwap: -1, cpus: "0.5", shmSize: 1 });
  expect(HostConfig).toMatchObject({
    Memory: 67_108_864,
    MemorySwap: -1,
    NanoCpus: 500_000_000,
    ShmSize: 1_048_576,
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  });
});

test("ports, mounts and networks get the engine's shape", () => {
  const mounts = [{ type: "bind", source: "/data", target: "/app", readOnly: true }];
  const ports = [
    { internal: 80, external: 8080, ip: "127.0.0.1" },
    { internal: 80, protocol: "udp" },
  ];
  const made = spec({
    name: "n",
    image: "i",
    mounts,
    ports,
    securityOpts: ["systempaths=unconfined", "a=b"],
  });
  expect(made.ExposedPorts).toEqual({ "80/tcp": {}, "80/udp": {} });
  expect(made.HostConfig).toMatchObject({
    PortBindings: {
      "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
      "80/udp": [{ HostIp: "0.0.0.0", HostPort: "" }],
    },
    Mounts: [{ Type: "bind", Source: "/data", Target: "/app", ReadOnly: true }],
    SecurityOpt: ["a=b"],
    MaskedPaths: [],
  });
  expect(attachmentSpec("id", { name: "net", aliases: ["a"], ipv4Address: "10.0.0.2" } as never)).toEqual({
    Container: "id",
    EndpointConfig: { Aliases: ["a"], IPAMConfig: { IPv4Address: "10.0.0.2", IPv6Address: undefined } },
  });
});

const inspected = (running: boolean): ContainerInspect => ({
  Id: "a".repeat(64),
  Name: "/n",
  Image: "sha256:1",
  State: { Running: running, ExitCode: 3 },
  Config: {
    Image: "i",
    Hostname: "h",
    Domainname: "",
    User: "",
    Cmd: null,
    Entrypoint: null,
    WorkingDir: "",
    Tty: false,
    OpenStdin: false,
    Healthcheck: { Test: ["CMD", "true"], Interval: 60e9 },
  },
  HostConfig: {
    RestartPolicy: { Name: "", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
    Memory: 64 * 1024 * 1024,
    MemorySwap: 128 * 1024 * 1024,
  } as unknown as ContainerInspect["HostConfig"],
  NetworkSettings: {
    Ports: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "32768" }], "81/tcp": null },
    Networks: null,
  },
});

test("what the engine says becomes state: what was not asked for does not show as drift", () => {
  const asked = { name: "n", image: "i", mustRun: true, ports: [{ internal: 80 }], envs: ["A=1"] };
  expect(containerState(inspected(true), asked)).toMatchObject({
    mustRun: true,
    exitCode: 0,
    envs: ["A=1"],
    restart: "no",
    memory: 64,
    memorySwap: 128,
    ports: [{ internal: 80, external: 32768, ip: "127.0.0.1", protocol: "tcp" }],
    healthcheck: { tests: ["CMD", "true"], interval: "1m0s", timeout: "0s", startPeriod: "0s", retries: 0 },
  });
  expect(containerState(inspected(true), asked)).not.toHaveProperty("logOpts");
});

test("a container that stands still though it must run says so; an image asked for by id is told by id", () => {
  const asked = { image: "sha256:1", mustRun: true };
  expect(containerState(inspected(false), asked)).toMatchObject({
    mustRun: false,
    exitCode: 3,
    image: "sha256:1",
  });
});

test.each([
  ["10s", 10e9, "10s"],
  ["90s", 90e9, "1m30s"],
  ["1h", 3600e9, "1h0m0s"],
  ["500ms", 5e8, "500ms"],
  ["1.5s", 1.5e9, "1.5s"],
])("the duration %s is understood and printed as Go prints it", (text, nanoseconds, printed) => {
  expect(parseDuration(text)).toBe(nanoseconds);
  expect(printDuration(nanoseconds)).toBe(printed);
});

test("any printed duration is understood again; other text is none", () => {
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(printDuration(ms * 1e6)) === ms * 1e6));
  expect(["", "10", "s", "10 s", "-1s"].map(parseDuration)).toEqual(Array(5).fill(undefined));
});

test("tar reads the archive of uploads: names longer than a field, modes and contents", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owui-tar-"));
  const long = `/${"folder/".repeat(20)}file`;
  const files = [
    { path: long, content: Buffer.from("x".repeat(1000)), mode: 0o600 },
    { path: "/etc/a", content: Buffer.from("a"), mode: 0o755 },
  ];
  await writeFile(join(folder, "archive"), tarArchive(files, 0));
  const listed = execFileSync("tar", ["-tvf", join(folder, "archive")], { encoding: "utf8" });
  expect(listed).toMatch(
    /^-rw------- 0\/0 +1000 1970.* (folder\/){20}file\n-rwxr-xr-x 0\/0 +1 1970.* etc\/a\n$/,
  );
  await rm(folder, { recursive: true });
});

test("a .dockerignore's last matching line decides, and a pattern covers what lies below", () => {
  const ignored = ignoredBy("# comment\n*.log\nbuild\n!build/keep\n**/node_modules\n/top?\n");
  const verdicts = ["a.log", "x/a.log", "build/out", "build/keep", "x/node_modules/y", "top1", "x/top1"].map(
    ignored,
  );
  expect(verdicts).toEqual([true, false, true, false, true, true, false]);
});

test("the digest of a build's context follows names, contents, modes and links, not ignored files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "owui-context-"));
  const dockerfile = join(folder, "Dockerfile");
  await mkdir(join(folder, "sub"));
  await writeFile(dockerfile, "FROM scratch");
  await writeFile(join(folder, ".dockerignore"), "ignored");
  await writeFile(join(folder, "sub/file"), "one");
  const digest = () => contextDigest(folder, dockerfile);
  const seen = new Set([await digest()]);
  await writeFile(join(folder, "ignored"), "x");
  expect(seen).toContain(await digest());
  for (const change of [
    () => writeFile(join(folder, "sub/file"), "two"),
    () => writeFile(join(folder, "other"), "", { mode: 0o700 }),
    () => symlink("/elsewhere", join(folder, "link")),
    () => writeFile(dockerfile, "FROM other"),
  ]) {
    await change();
    expect(seen).not.toContain(await digest());
    seen.add(await digest());
  }
  await rm(folder, { recursive: true });
});

test("values of build arguments stay out of the command line", () => {
  const given = {
    context: "c",
    dockerfile: "c/D",
    args: { TOKEN: "secret" },
    target: "t",
    platform: "linux/amd64",
  };
  expect(buildArguments("name:tag", given as never).join(" ")).toBe(
    "build --quiet --tag name:tag --file c/D --platform linux/amd64 --target t --build-arg TOKEN c",
  );
});

test.each([
  ["debian:bookworm", "debian"],
  ["localhost:5000/a/b", "localhost:5000/a/b"],
  ["localhost:5000/a/b:1@sha256:0", "localhost:5000/a/b"],
])("the repository of %s is %s", (name, repository) => {
  expect(repositoryOf(name)).toBe(repository);
});

test("an engine that is not on this machine is refused with what to do", () => {
  expect(() => new Engine("ssh://host")).toThrow(
    "the docker stand-in cannot reach ssh://host: it only speaks to engines on this machine (unix://…).",
  );
});
