import { describe, expect, it } from "vitest";
import type { TenantSpec } from "../../../components/fleet-config.ts";
import { hostLines, hostTable } from "../../../fleet/commands/hosts.ts";
import { tenantLines, tenantTable, versionOf } from "../../../fleet/commands/tenants.ts";
import type { HostUsage } from "../../../fleet/on-host/usage.ts";

const tenant = (id: string, host: string) =>
  ({
    ...{ id, host, image: "ghcr.io/open-webui/open-webui:v0.11.3" },
    memory: { reserved: 7e8, limit: 1.4e9 },
  }) as TenantSpec;
const usage: HostUsage = {
  ...{ cpus: 2, load: 0.5, memory: { total: 8e9, free: 5e9 }, disk: { total: 1e11, free: 4e10 } },
  tenants: new Map([["acme", { memory: 4e8, cpu: 0.25, stored: 36e6 }]]),
};
const tenants = [tenant("acme", "a"), tenant("globex", "a"), tenant("initech", "b")];
const usages = new Map<string, HostUsage | string>([
  ["a", usage],
  ["b", "it cannot be reached: timed out"],
]);
const seen = (id: string) =>
  ({
    url: `https://${id}.example`,
    health: "healthy",
    state: id === "globex" ? "paused" : "active",
  }) as const;

describe("tenants", () => {
  it("are told with what they use, and without what is not known", () => {
    const lines = tenantLines({ tenants }, usages, seen);
    expect(lines.map(({ id, cpu, memory, stored }) => [id, cpu, memory.used, stored])).toEqual([
      ["acme", 0.25, 4e8, 36e6],
      ["globex", null, null, null],
      ["initech", null, null, null],
    ]);
    expect(tenantTable(lines).split("\n")).toEqual([
      expect.stringMatching(/^tenant +host +version +health +cpu +memory +stored +address$/),
      expect.stringMatching(
        /^acme +a +v0.11.3 +healthy +25 % +400 MB of 1.4 GB +36 MB +https:\/\/acme.example$/,
      ),
      expect.stringMatching(/^globex .* healthy, paused +- +- of 1.4 GB +- /),
      expect.stringMatching(/^initech +b /),
    ]);
  });

  it.each([
    ["ghcr.io/open-webui/open-webui:v0.9.6", "v0.9.6"],
    ["registry:5000/owui:v1@sha256:0123456789abcdef", "v1"],
    ["registry:5000/owui@sha256:0123456789abcdef", "0123456789ab"],
    ["registry:5000/owui", "registry:5000/owui"],
  ])("of image %s have version %s", (image, version) => {
    expect(versionOf(image)).toBe(version);
  });
});

describe("hosts", () => {
  it("are told with what is left of them, and why one could not be asked", () => {
    const hosts = [
      { id: "a", kind: "local" },
      { id: "b", kind: "ssh" },
    ] as Parameters<typeof hostLines>[0]["hosts"];
    const target = { user: "qbmgr", address: "203.0.113.9", hostKey: "ssh-ed25519 AAAA" };
    const lines = hostLines(
      { hosts, tenants, sync: { host: "a", nodes: [] } },
      { hosts: { b: { kind: "ssh", target } } },
      usages,
    );
    expect(lines[0]).toMatchObject({ id: "a", address: null, control: true, tenants: 2, cpus: 2 });
    expect(lines[1]).toMatchObject({
      id: "b",
      address: "203.0.113.9",
      tenants: 1,
      memory: null,
      failure: expect.stringMatching(/timed out/),
    });
    expect(hostTable(lines)).toMatch(
      /^a \(control\) +local +this machine +2 +0.5 of 2 +5.0 GB of 8.0 GB free +40 GB of 100 GB free$/m,
    );
    expect(hostTable(lines)).toMatch(/^b .* it cannot be reached: timed out$/m);
  });
});
