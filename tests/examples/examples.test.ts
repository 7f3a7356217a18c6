import { describe, expect, test } from "vitest";
import { parseFleet } from "../../components/fleet-config.ts";
import { repository } from "../../toolchain/setup/paths.mjs";
import { exampleOf, examples } from "./example.ts";

const fleetOf = (file: string) => parseFleet("prod", exampleOf(file), { repository, dataHome: "/data" });

describe("an example", () => {
  test.each(examples)("%s is a config that is right as a whole", (file) => {
    expect(fleetOf(file).tenants.length).toBeGreaterThan(0);
  });

  test("of production has two hosts with tenants, one signing in over OIDC, one with a look of its own", () => {
    const { tenants, sync } = fleetOf("../Pulumi.prod.yaml");
    expect(tenants.map(({ id, host, certificate }) => [id, host, certificate])).toEqual([
      ["acme", "fra1-a", "origin-ca"],
      ["globex", "fra1-a", "origin-ca"],
      ["initech", "fra1-b", "origin-ca"],
      ["umbrella", "fra1-b", "acme"],
    ]);
    expect(sync.host).toBe("control");
    const { globex, initech } = Object.fromEntries(tenants.map((tenant) => [tenant.id, tenant]));
    expect(globex?.environment).toHaveProperty("OPENID_PROVIDER_URL");
    expect(initech?.branding?.basis).toBe("up-to-50-users");
  });

  test("of twenty clients has twenty, seven on a host at most, and room for no more than the rule allows", () => {
    const { tenants, hosts } = fleetOf("twenty-clients.yaml");
    expect(tenants).toHaveLength(20);
    expect(hosts.map(({ id }) => tenants.filter(({ host }) => host === id).length)).toEqual([0, 7, 7, 6]);
  });

  test("of twenty clients refuses two large ones more on its first host", () => {
    const config = exampleOf("twenty-clients.yaml") as { tenants: Record<string, { memory?: object }> };
    const { globex, initech } = config.tenants;
    if (globex && initech) {
      globex.memory = { reserved: "1400MB", limit: "2800MB" };
      initech.memory = { reserved: "1400MB", limit: "2800MB" };
    }
    expect(() => parseFleet("prod", config, { repository, dataHome: "/data" })).toThrow(/70 %/);
  });
});
