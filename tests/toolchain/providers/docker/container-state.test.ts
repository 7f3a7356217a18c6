import { expect, test } from "vitest";
import {
  type ContainerInspect,
  containerState,
} from "../../../../toolchain/providers/docker/container-state.ts";

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
