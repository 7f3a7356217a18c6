import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

describe("tenant-identity.sh", () => {
  let host: Workbench;
  let shown: string;
  let kept: string;
  beforeEach(() => {
    host = new Workbench();
    shown = join(host.root, "tenants/acme/data/.owui-identity.json");
    kept = join(host.root, "tenants/acme/config/identity.json");
    for (const directory of ["data", "config"])
      mkdirSync(join(host.root, "tenants/acme", directory), { recursive: true });
  });
  afterEach(() => host.remove());

  const run = () =>
    host.run([{ script: "tenant-identity", variables: { ROOT: host.root, FLEET: "test", TENANT: "acme" } }]);

  it("names the fleet, the tenant, a fresh id and the moment, in the data and beside it", () => {
    expect(run().status).toBe(0);
    const identity = JSON.parse(readFileSync(shown, "utf8"));
    expect(identity).toEqual({
      fleet: "test",
      tenant: "acme",
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(readFileSync(kept, "utf8")).toBe(readFileSync(shown, "utf8"));
  });

  it("never changes again", () => {
    run();
    const first = readFileSync(shown, "utf8");
    expect(run().status).toBe(0);
    expect(readFileSync(shown, "utf8")).toBe(first);
  });

  it("finishes what an interrupted run began", () => {
    writeFileSync(shown, "half");
    expect(run().status).toBe(0);
    expect(JSON.parse(readFileSync(shown, "utf8")).tenant).toBe("acme");
  });

  it("leaves the data alone where the identity was kept: what is missing there was lost", () => {
    run();
    rmSync(shown);
    expect(run().status).toBe(0);
    expect(existsSync(shown)).toBe(false);
  });
});
