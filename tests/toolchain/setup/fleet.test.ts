import { describe, expect, it } from "vitest";
import { readSource } from "../../../toolchain/setup/effective-config.ts";
import { claimedPorts, fleetOf } from "../../../toolchain/setup/fleet.ts";
import { foreignFleet } from "../../../toolchain/setup/preflight.ts";
import { SetupError } from "../../../toolchain/setup/problem.mjs";

const local = await readSource("Pulumi.local.yaml");

describe("the fleet of the stack's file", () => {
  it("claims every port it listens on, each for a container", () => {
    const ports = claimedPorts(fleetOf("local", local));
    expect(ports.map(({ port, container }) => [port, container])).toEqual([
      [8080, "owui-local-nginx"],
      [8050, "owui-local-agent"],
      [9443, "owui-local-node-a"],
      [9444, "owui-local-node-b"],
      [15432, "owui-local-postgres"],
      [9090, "owui-local-prometheus"],
      [9093, "owui-local-alertmanager"],
      [expect.any(Number), "owui-local-tenant-acme"],
      [expect.any(Number), "owui-local-tenant-globex"],
    ]);
  });

  it("claims none when it is not to run", () => {
    const asleep = { ...local, config: { ...local.config, running: false } };
    expect(claimedPorts(fleetOf("local", asleep))).toEqual([]);
  });

  it("is read without decrypting its secrets", () => {
    const tenants = local.config?.tenants as Record<string, object>;
    const connections = [{ url: "https://models.example/v1", key: { secure: "v1:abc:def" } }];
    const config = { ...local.config, tenants: { acme: { ...tenants.acme, connections } } };
    const fleet = fleetOf("local", { ...local, config });
    expect(fleet.tenants[0]?.connections).toEqual([
      { url: "https://models.example/v1", key: "https://encrypted.invalid" },
    ]);
  });
});

describe("the fleet of the file a run used", () => {
  it("runs or not, also where Pulumi's CLI wrote that as a text", () => {
    for (const [text, running] of [
      ["false", false],
      ["true", true],
    ] as const) {
      const config = { ...local.config, "open-webui-infrastructure:running": text };
      expect(fleetOf("local", { ...local, config }).running).toBe(running);
    }
  });
});

describe("a stack's containers", () => {
  it("are no surprise where its state is", () => {
    expect(foreignFleet("local", ["owui-local-nginx"], 63)).toEqual([]);
  });

  it("are somebody else's where it is not", () => {
    const running = ["owui-local-a", "owui-local-b", "owui-local-c", "owui-local-d"];
    expect(new SetupError(foreignFleet("local", running, 0)).message).toBe(`
  ✗ Containers of a stack "local" run here (owui-local-a, owui-local-b, owui-local-c, …), but its state is not in this data home.
    why:    Two fleets of one name would take each other's containers, networks and ports.
    remedy: Use the data home it was made with (OWUI_HOME), stop it there, or use another stack (--stack). If that state is lost: docs/recovery.md.

Nothing was changed.`);
  });
});
