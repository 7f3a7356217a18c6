import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workbench } from "./script.ts";

describe.skipIf(process.getuid?.() !== 0)("restore-data.sh", () => {
  let host: Workbench;
  const home = (...path: string[]) => join(host.root, "tenants/acme", ...path);
  const from = (...path: string[]) => home("restore-7", ...path);
  const read = (path: string) => readFileSync(path, "utf8");

  beforeEach(() => {
    host = new Workbench();
    host.program("docker", `echo "$*" >>"${host.root}/docker"; if [ "$1" = ps ]; then echo fetcher; fi`);
    for (const [path, text] of Object.entries({
      "data/webui.db": "old",
      "data/webui.db-wal": "old wal",
      "data/.owui-identity.json": "acme's",
      "config/identity.json": "acme's",
      "config/webui_secret_key": "key",
      "restore-7/webui.db": "new",
      "restore-7/data/uploads/it's one": "uploaded",
      "restore-7/data/.owui-identity.json": "somebody's",
      "restore-7/config/webui_secret_key": "key",
    }))
      host.write(`tenants/acme/${path}`, text);
  });
  afterEach(() => host.remove());

  const act = (ACTION: string, more: Record<string, string> = {}) =>
    host.run([
      {
        script: "restore-data",
        variables: { ACTION, ROOT: host.root, TENANT: "acme", OPERATION: "7", FROM: from(), ...more },
      },
    ]);
  const well = (action: string, more?: Record<string, string>) => {
    const { status, stderr, stdout } = act(action, more);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  it("puts a backup in place, keeps what was there beside it, and takes that back", () => {
    well("stage");
    expect(read(home("data/webui.db"))).toBe("old");
    well("swap");
    expect(read(home("data/webui.db"))).toBe("new");
    expect(existsSync(home("data/webui.db-wal"))).toBe(false);
    expect(read(home("data/.owui-identity.json"))).toBe("acme's");
    expect(read(home("data/uploads/it's one"))).toBe("uploaded");
    expect([statSync(home("data")).mode & 0o7777, statSync(home("data")).gid]).toEqual([0o2750, 8050]);
    expect(read(home("data.before-7/webui.db-wal"))).toBe("old wal");
    expect(well("kept")).toMatch(/^7 \d+\n$/);
    well("back");
    expect(read(home("data/webui.db-wal"))).toBe("old wal");
    expect(existsSync(home("data.before-7"))).toBe(false);
    well("clean");
    expect(readdirSync(home()).sort()).toEqual(["config", "data"]);
  });

  it("puts files in place where the database is a Postgres, whose dump is put in place elsewhere", () => {
    rmSync(home("restore-7/webui.db"));
    host.write("tenants/acme/restore-7/database.dump", "dump");
    well("stage");
    well("swap");
    expect(existsSync(home("data/webui.db"))).toBe(false);
    expect(read(home("data/uploads/it's one"))).toBe("uploaded");
    well("back");
    expect(read(home("data/webui.db"))).toBe("old");
  });

  it("ends what still fetches before it removes the folder", () => {
    well("clean");
    expect(read(join(host.root, "docker"))).toBe(
      `ps --all --quiet --filter label=owui.fetch=${from()}\nrm --force fetcher\n`,
    );
  });

  it("does every action again after it was done", () => {
    for (const action of ["stage", "stage", "swap", "swap"]) well(action);
    expect(read(home("data/webui.db"))).toBe("new");
    expect(read(home("data.before-7/webui.db"))).toBe("old");
    for (const action of ["back", "back"]) well(action);
    expect(read(home("data/webui.db"))).toBe("old");
    for (const action of ["clean", "clean", "swap"]) well(action);
    expect(read(home("data/webui.db"))).toBe("old");
  });

  it("goes on after a crash between its two renames, in either direction", () => {
    well("stage");
    renameSync(home("data"), home("data.before-7"));
    well("swap");
    expect(read(home("data/webui.db"))).toBe("new");
    renameSync(home("data"), from("data"));
    well("back");
    expect(read(home("data/webui.db"))).toBe("old");
  });

  it("takes the empty directory away that an `up` made in between, and none that holds something", () => {
    well("stage");
    renameSync(home("data"), home("data.before-7"));
    mkdirSync(home("data"));
    well("swap");
    expect(read(home("data/webui.db"))).toBe("new");
    well("back");
    renameSync(home("data"), home("data.before-7"));
    mkdirSync(home("data"));
    host.write("tenants/acme/data/webui.db", "another");
    const { status, stderr } = act("swap");
    expect([status, stderr]).toEqual([1, expect.stringContaining("are both there: look at them")]);
    expect(read(home("data/webui.db"))).toBe("another");
  });

  it("brings the key that belongs to the data where it is another, and takes it back", () => {
    host.write("tenants/acme/restore-7/config/webui_secret_key", "older key");
    well("stage");
    for (const action of ["swap", "swap"]) well(action);
    expect(read(home("config/webui_secret_key"))).toBe("older key");
    expect(statSync(home("config/webui_secret_key")).mode & 0o777).toBe(0o600);
    for (const action of ["back", "back"]) well(action);
    expect(read(home("config/webui_secret_key"))).toBe("key");
    expect(readdirSync(home("config")).sort()).toEqual(["identity.json", "webui_secret_key"]);
  });

  it("brings a backup into a place that lost its data", () => {
    rmSync(home("data"), { recursive: true });
    mkdirSync(home("data"));
    well("stage");
    well("swap");
    expect(read(home("data/webui.db"))).toBe("new");
  });

  it("puts back later what a restore set aside, with its key, and keeps the restored beside", () => {
    host.write("tenants/acme/restore-7/config/webui_secret_key", "older key");
    for (const action of ["stage", "swap", "clean"]) well(action);
    const again = { OPERATION: "9", FROM: home("restore-9"), BEFORE: "7" };
    for (const action of ["before", "before", "swap", "swap"]) well(action, again);
    expect(read(home("data/webui.db"))).toBe("old");
    expect(read(home("config/webui_secret_key"))).toBe("key");
    expect(read(home("data.before-9/webui.db"))).toBe("new");
    for (const action of ["back", "unbefore", "unbefore", "clean"]) well(action, again);
    expect(read(home("data/webui.db"))).toBe("new");
    expect(read(home("config/webui_secret_key"))).toBe("older key");
    expect(read(home("data.before-7/webui.db"))).toBe("old");
    expect(act("before", { ...again, BEFORE: "5" })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("Nothing of before restore 5 is kept"),
    });
  });

  it("removes what is kept once that is confirmed, and says how much it was", () => {
    for (const action of ["stage", "swap", "clean"]) well(action);
    expect(well("forget")).toMatch(/^7 \d+\n$/);
    expect(readdirSync(home()).sort()).toEqual(["config", "data"]);
    expect(well("forget")).toBe("");
  });
});
