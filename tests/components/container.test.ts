import { describe, expect, it } from "vitest";
import { bind, dockerLabels, dockerName, fleetContainer, loopbackPort } from "../../components/container.ts";

describe("a container's name and labels", () => {
  it.each([
    [{ stack: "local", role: "nginx" }, "owui-local-nginx", { "owui.stack": "local", "owui.role": "nginx" }],
    [
      { stack: "local", role: "node", of: "a" },
      "owui-local-node-a",
      { "owui.stack": "local", "owui.role": "node", "owui.node": "a" },
    ],
    [
      { stack: "prod", role: "tenant", of: "acme" },
      "owui-prod-tenant-acme",
      { "owui.stack": "prod", "owui.role": "tenant", "owui.tenant": "acme" },
    ],
  ] as const)("of %j", (identity, name, labels) => {
    expect(dockerName(identity)).toBe(name);
    expect(dockerLabels(identity)).toEqual(labels);
  });
});

describe("what all containers of a fleet share", () => {
  const container = fleetContainer({
    identity: { stack: "local", role: "agent" },
    labels: { "owui.config": "0123" },
    image: "example:1",
    memory: { reserved: 700_000_000, limit: 1_400_000_000 },
    health: { test: ["CMD", "true"], startPeriod: "10s" },
  });

  it("counts memory in MiB and leaves no swap", () => {
    expect(container).toMatchObject({ memory: 1335, memorySwap: 1335, memoryReservation: 668 });
  });

  it("drops every capability that is not asked for", () => {
    expect(container).toMatchObject({
      capabilities: { drops: ["ALL"] },
      securityOpts: ["no-new-privileges:true"],
    });
  });

  it("waits a minute for health unless more patience is asked for", () => {
    expect(container.waitTimeout).toBe(60);
    const patient = { test: ["CMD", "true"], startPeriod: "10s", patience: 300 };
    const identity = { stack: "local", role: "tenant", of: "acme" } as const;
    expect(fleetContainer({ identity, image: "x", memory: { limit: 1 }, health: patient }).waitTimeout).toBe(
      300,
    );
  });

  it("puts a container's own labels behind those by which it is found", () => {
    expect(container.labels).toEqual([
      { label: "owui.stack", value: "local" },
      { label: "owui.role", value: "agent" },
      { label: "owui.config", value: "0123" },
    ]);
  });
});

describe("a bind", () => {
  it("is of the type that fails where its source is missing, and read-only unless said otherwise", () => {
    expect(bind("/a", "/b")).toEqual({ type: "bind", source: "/a", target: "/b", readOnly: true });
    expect(bind("/a", "/b", "read-write").readOnly).toBe(false);
  });
});

describe("a published port", () => {
  it("is the host's own", () => {
    expect(loopbackPort(8080, 18_001)).toMatchObject({ internal: 8080, external: 18_001, ip: "127.0.0.1" });
  });
});
