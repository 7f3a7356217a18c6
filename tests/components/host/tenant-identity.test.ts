import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
  const refusal = "The data directory of tenant acme is not the one this fleet made";

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

  it.each([
    ["is gone, as when a volume is not mounted", () => rmSync(shown)],
    ["is another tenant's", () => writeFileSync(shown, '{"tenant":"globex"}')],
    [
      "was replaced by a link to the kept one",
      () => {
        rmSync(shown);
        symlinkSync(kept, shown);
      },
    ],
    [
      "was replaced by a FIFO, which it does not wait for",
      () => {
        rmSync(shown);
        execFileSync("mkfifo", [shown]);
      },
    ],
  ])("refuses to go on where the identity in the data %s", (_, change) => {
    run();
    rmSync(shown, { force: true });
    writeFileSync(shown, readFileSync(kept));
    change();
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain(refusal);
    expect(stderr).toContain("Nothing was started on it and nothing in it was changed.");
  });
});
