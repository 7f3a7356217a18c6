import { describe, expect, test } from "vitest";
import type { Container } from "../../policy/container.ts";
import { tenantDataWriters } from "../../policy/tenant-data-rules.ts";
import { tenantContainer } from "./container.ts";

const fleet = { roots: ["/data/local", "/srv/fleet"], written: ["acme"] };

const of = (role: string, source: string, more: object = {}): Container =>
  tenantContainer({
    labels: [
      { label: "owui.role", value: role },
      ...(role === "tenant" ? [{ label: "owui.tenant", value: "acme" }] : []),
    ],
    mounts: [{ type: "bind", source, target: "/x", ...more }],
  });

describe("a tenant's data", () => {
  test("may be written by its own container", () => {
    expect(tenantDataWriters(tenantContainer(), fleet)).toEqual([]);
    expect(tenantDataWriters(of("tenant", "/srv/fleet/tenants/acme/data"), fleet)).toEqual([]);
  });

  test("may be written by the writer where the tenant's entry says so, and not elsewhere", () => {
    expect(tenantDataWriters(of("writer", "/data/local/tenants/acme/data"), fleet)).toEqual([]);
    expect(tenantDataWriters(of("writer", "/data/local/tenants/globex/data"), fleet)).toHaveLength(1);
  });

  test("may be read by anybody", () => {
    expect(tenantDataWriters(of("agent", "/data/local/tenants", { readOnly: true }), fleet)).toEqual([]);
  });

  test.each([
    ["tenant", "/data/local/tenants/globex/data", "the directory of tenant globex"],
    ["tenant", "/data/local/tenants/acme/config", "the directory of tenant acme"],
    ["tenant", "/data/local/tenants/acme", "the directory of tenant acme"],
    ["tenant", "/data/local/tenants/acme/../globex/data", "the directory of tenant globex"],
    ["agent", "/data/local/tenants/acme/data", "the directory of tenant acme"],
    ["writer", "/data/local/tenants/acme/config", "the directory of tenant acme"],
    ["writer", "/srv/fleet/tenants", "every tenant's directory"],
    ["nginx", "/srv/fleet", "every tenant's directory"],
    ["nginx", "/", "every tenant's directory"],
  ])("may not be written by a %s through %s", (role, source, what) => {
    expect(tenantDataWriters(of(role, source), fleet)).toEqual([
      `The container may write into ${what} through ${source}. Bind it read-only, or bind what it is about and nothing else.`,
    ]);
  });

  test("is not what lies beside it: the replicas' server writes its own", () => {
    expect(tenantDataWriters(of("postgres", "/data/local/postgres/data"), fleet)).toEqual([]);
    expect(tenantDataWriters(of("postgres", "/elsewhere/tenants/acme/data"), fleet)).toEqual([]);
  });

  test("may not be written through a bind in the short form either", () => {
    const volumes = [{ hostPath: "/srv/fleet/tenants/globex/data", containerPath: "/x" }];
    expect(tenantDataWriters(tenantContainer({ volumes }), fleet)).toHaveLength(1);
  });
});
