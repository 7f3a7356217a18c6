import { describe, expect, it } from "vitest";
import { readUsage } from "../../../fleet/on-host/usage.ts";

const report = `memory 24000000 16000000
cpus 2 1.25
disk 100000 40000
stored acme 2048
stored globex 10
uses owui-local-tenant-acme 153.20% 355.2MiB / 1.304GiB
uses owui-local-tenant-new 0.05% 12kB / 1.304GiB
uses owui-local-2-tenant-acme 99.00% 1GiB / 1.304GiB
end ok
`;

describe("what a host says it uses", () => {
  it("is read in bytes and processors, each tenant by itself, of this stack only", () => {
    expect(readUsage(report, "local")).toEqual({
      memory: { total: 24_000_000 * 1024, free: 16_000_000 * 1024 },
      cpus: 2,
      load: 1.25,
      disk: { total: 100_000 * 1024, free: 40_000 * 1024 },
      tenants: new Map([
        ["acme", { memory: Math.round(355.2 * 2 ** 20), cpu: 1.532, stored: 2048 * 1024 }],
        ["globex", { memory: null, cpu: null, stored: 10_240 }],
        ["new", { memory: 12_000, cpu: 0.0005, stored: null }],
      ]),
    });
  });

  it("does without a disk that it could not look at", () => {
    expect(readUsage("memory 1 1\ncpus 2 0\nend ok\n", "local")).toMatchObject({ disk: null });
  });

  it("does not count when it was cut off", () => {
    expect(readUsage(report.replace("end ok\n", ""), "local")).toBeUndefined();
  });
});
