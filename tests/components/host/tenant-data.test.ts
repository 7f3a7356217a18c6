import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

describe("tenant-data.sh", () => {
  let host: Workbench;
  let shown: string;
  let kept: string;
  let database: string;
  beforeEach(() => {
    host = new Workbench();
    shown = join(host.root, "tenants/acme/data/.owui-identity.json");
    kept = join(host.root, "tenants/acme/config/identity.json");
    database = join(host.root, "tenants/acme/data/webui.db");
    for (const directory of ["data", "config"])
      mkdirSync(join(host.root, "tenants/acme", directory), { recursive: true });
    for (const file of [shown, kept]) writeFileSync(file, '{"tenant":"acme","id":"1-2-3","created":"now"}\n');
    mkdirSync(join(host.root, "nginx/sites"), { recursive: true });
    writeFileSync(site(), "server {}");
    writeFileSync(database, "SQLite format 3");
    host.program("docker", `echo "$@" >>${host.root}/asked; cat ${host.root}/running 2>/dev/null; true`);
    host.program("node", 'printf "%s|" "$@"; cat');
  });
  afterEach(() => host.remove());

  const site = () => join(host.root, "nginx/sites/acme.conf");
  const run = (also: Record<string, string> = {}) => {
    const tenant = { ROOT: host.root, FLEET: "test", TENANT: "acme", CONTAINER: "owui-acme" };
    const front = { NGINX: join(host.root, "nginx"), NGINX_CONTAINER: "owui-nginx", SITE: "sites/acme.conf" };
    const variables = { ...tenant, IF_LOST: "replica", REPLICAS: "asked", ...front, ...also };
    return host.run([{ script: "tenant-data", variables }], "secrets");
  };

  it("lets a tenant start on its own data, says which that is, and asks nobody", () => {
    expect(run()).toEqual({ status: 0, stdout: "1-2-3\n", stderr: "" });
    expect(existsSync(site())).toBe(true);
  });

  it("takes the site of a tenant away that starts empty, so that no stranger is its first", () => {
    rmSync(database);
    expect(run().status).toBe(0);
    expect(existsSync(site())).toBe(false);
  });

  it("leaves the site of a tenant whose database came back", () => {
    rmSync(database);
    host.program("node", `echo "SQLite format 3" >${database}`);
    expect(run()).toEqual({ status: 0, stdout: "1-2-3\n", stderr: "" });
    expect(existsSync(site())).toBe(true);
  });

  it("misses no file of a tenant that works on a Postgres, and looks at whose data it is all the same", () => {
    rmSync(database);
    expect(run({ ELSEWHERE: "yes" })).toEqual({ status: 0, stdout: "1-2-3\n", stderr: "" });
    expect(existsSync(site())).toBe(true);
    writeFileSync(shown, "another's");
    expect(run({ ELSEWHERE: "yes" }).status).toBe(1);
  });

  it("starts nothing that the guard refuses", () => {
    rmSync(database);
    host.program("node", "echo refused >&2; exit 1");
    expect(run()).toMatchObject({ status: 1, stdout: "", stderr: "refused\n" });
    expect(existsSync(site())).toBe(true);
  });

  it.each([
    ["is missing", () => rmSync(database)],
    ["is empty", () => writeFileSync(database, "")],
  ])("asks the guard where the database %s, and hands on what it was given", (_, lose) => {
    lose();
    const home = join(host.root, "tenants/acme");
    expect(run()).toMatchObject({
      status: 0,
      stdout: `sync-runtime/restore/guard.ts|${home}|test|acme|owui-acme|replica|asked||secrets1-2-3\n`,
    });
    expect(readFileSync(join(host.root, "asked"), "utf8")).toContain(
      "ps --quiet --filter name=^owui-acme$\n",
    );
  });

  it("asks the guard in an image where no checkout lies, with nothing but the tenant's directory", () => {
    rmSync(database);
    expect(run({ GUARD_IMAGE: "owui-sync-runtime:1" }).status).toBe(0);
    const home = join(host.root, "tenants/acme");
    expect(readFileSync(join(host.root, "asked"), "utf8")).toContain(
      `run --rm --interactive --user 0:0 --mount type=bind,source=${home},target=${home} owui-sync-runtime:1 node /app/guard.mjs ${home} test acme owui-acme replica asked`,
    );
  });

  it("counts how often the data began, a loss that is seen before it is dealt with among it", () => {
    const beginnings = () =>
      host.run([{ script: "tenant-beginnings", variables: { ROOT: host.root } }]).stdout;
    const counts = [beginnings()];
    for (const happens of [() => rmSync(database), run, () => writeFileSync(database, "SQLite"), run]) {
      happens();
      counts.push(beginnings());
    }
    // There, lost, asked about and still lost, back, there.
    expect(counts).toEqual(["acme 0\n", "acme 1\n", "acme 2\n", "acme 1\n", "acme 1\n"]);
  });

  it("counts nothing that the guard refused", () => {
    rmSync(database);
    host.program("node", "exit 1");
    run();
    expect(existsSync(join(host.root, "tenants/acme/config/beginnings"))).toBe(false);
  });

  it("tells the guard of a container that runs", () => {
    rmSync(database);
    host.write("running", "0123456789ab\n");
    expect(run().stdout).toMatch(/\|replica\|asked\|running\|secrets/);
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
    change();
    const { status, stderr } = run();
    expect(status).toBe(1);
    expect(stderr).toContain("The data directory of tenant acme is not the one this fleet made");
    expect(stderr).toContain("Nothing was started on it and nothing in it was changed.");
  });
});
