import { describe, expect, test } from "vitest";
import type { FleetOutputs } from "../../../toolchain/commands/fleet-outputs.ts";
import { nearby } from "../../../toolchain/commands/tunnel.ts";

const sync = { host: "control-a" } as Parameters<typeof nearby>[0]["sync"];
const outputs = {
  nodes: {
    a: { url: "https://localhost:9443", host: "control-a" },
    b: { url: "https://localhost:9443", host: "control-b" },
  },
  monitoring: {
    ...{ prometheus: "https://localhost:9090", alertmanager: "https://localhost:9093" },
    ...{ certificate: "certificate", key: "key" },
  },
} as unknown as FleetOutputs;

describe("ways to what listens on control hosts' loopback", () => {
  test("are told apart by their host, where ports are the same", () => {
    const through = nearby({ sync }, outputs, [
      { host: "control-a", far: "9443", near: "40001" },
      { host: "control-a", far: "9090", near: "40002" },
      { host: "control-a", far: "9093", near: "40003" },
      { host: "control-b", far: "9443", near: "40004" },
    ]);
    expect(Object.values(through.nodes).map(({ url }) => url)).toEqual([
      "https://localhost:40001",
      "https://localhost:40004",
    ]);
    expect(through.monitoring).toMatchObject({
      prometheus: "https://localhost:40002",
      alertmanager: "https://localhost:40003",
    });
  });

  test("lead nowhere else where a host is this machine, or nodes were brought up before they named theirs", () => {
    expect(nearby({ sync }, outputs, [])).toEqual(outputs);
    const former = { ...outputs, nodes: { a: { url: "https://localhost:9443" } } };
    const ways = [{ host: "control-a", far: "9443", near: "40001" }];
    expect(nearby({ sync }, former, ways).nodes.a?.url).toBe("https://localhost:40001");
  });
});
