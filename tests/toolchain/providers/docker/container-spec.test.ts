import { expect, test } from "vitest";
import {
  type ContainerInputs,
  containerInputs,
} from "../../../../toolchain/providers/docker/container-inputs.ts";
import { attachmentSpec, containerSpec } from "../../../../toolchain/providers/docker/container-spec.ts";
import { keptFields } from "../../../../toolchain/providers/plugin/types.ts";

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
