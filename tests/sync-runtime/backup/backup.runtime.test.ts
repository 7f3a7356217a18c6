import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { ArgumentWatch } from "../../support/argument-watch.ts";
import { BackupHome } from "../../support/backup-home.ts";
import { until } from "../../support/fleet/until.ts";

let home: BackupHome;
afterEach(() => home[Symbol.asyncDispose]());

/** The program has backed a tenant up. */
const good = (tenant: string, after = "") =>
  until(`a backup of ${tenant}`, () => {
    const kept = existsSync(home.path("status", `${tenant}.json`)) && home.status(tenant);
    return (
      kept && kept.lastGood !== null && kept.lastGood > after && kept.lastGood === kept.lastStarted && kept
    );
  });

const fetched = async (tenant: string, snapshot = "latest") => {
  const folder = home.path("fetched");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const ended = await home.command("fetch", tenant, snapshot, folder);
  return { folder, ...ended };
};

describe("a tenant that is backed up", () => {
  it("is read back as it was, with every kind of name, and databases of one moment beside their writer", async () => {
    home = new BackupHome();
    const data = home.addTenant("acme", { odd: true });
    mkdirSync(join(data, "vector_db"));
    const vectors = new DatabaseSync(join(data, "vector_db/chroma.sqlite3"));
    vectors.exec("PRAGMA journal_mode = WAL; CREATE TABLE v (a); INSERT INTO v VALUES ('in the -wal only')");
    const live = new DatabaseSync(join(data, "webui.db"));
    live.exec(
      "PRAGMA journal_mode = WAL; CREATE TABLE mine (a); INSERT INTO mine VALUES ('in the -wal only')",
    );
    const long = "n".repeat(200);
    mkdirSync(join(data, long, long), { recursive: true });
    for (const name of [
      "'quoted' \"twice\" $(touch x) ; rm -rf \\ *",
      "line\nfeed",
      " ",
      "-rf",
      "größe 東京.pdf",
      `${long}/${long}/${long}`,
    ])
      writeFileSync(join(data, name), `contents of ${name}`);
    const bytes = Buffer.concat([Buffer.from(`${data}/not-utf8-`), Buffer.of(0xff, 0xfe)]);
    writeFileSync(bytes, "of bytes");
    writeFileSync(join(data, "large.bin"), Buffer.alloc(3_000_001, "large"), { mode: 0o640 });
    for (const cache of ["cache/embedding", "cache/image"]) mkdirSync(join(data, cache), { recursive: true });
    writeFileSync(join(data, "cache/embedding/model.bin"), "downloaded anew");
    writeFileSync(join(data, "cache/image/made.png"), "made by a user");

    home.start();
    const kept = await good("acme");
    expect(kept).toMatchObject({ failing: null, snapshots: 1, failures: 0 });
    // What waits for restic many times leaves nothing behind each time.
    expect(home.complaints).not.toContain("MaxListeners");

    const { folder, code, complained, said } = await fetched("acme");
    expect(complained).toBe("");
    expect(code).toBe(0);
    const { snapshot } = JSON.parse(said);
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    expect(snapshot).toBe(kept.snapshot);
    expect(manifest).toMatchObject({
      ...{
        format: 1,
        tenant: "acme",
        identity: "6f2b1a52-5f4e-4a34-9d0e-0a7a4a7b3c11",
        openWebui: "v0.11.3",
      },
      entry: { domain: "acme.localhost" },
    });
    expect(manifest.database.tables.mine).toMatchObject({ rows: 1 });
    expect(readdirSync(folder).sort()).toEqual(["config", "data", "manifest.json", "webui.db"]);
    const of = (path: string) => readFileSync(path).toString();
    for (const name of readdirSync(join(folder, "data"), { encoding: "buffer" })) {
      const path = Buffer.concat([Buffer.from(`${folder}/data/`), name]);
      if (statSync(path).isFile() && !name.includes("identity"))
        expect(readFileSync(path).equals(readFileSync(Buffer.concat([Buffer.from(`${data}/`), name])))).toBe(
          true,
        );
    }
    expect(of(join(folder, "data", long, long, long))).toContain("contents");
    expect(statSync(join(folder, "data/large.bin")).mode & 0o777).toBe(0o640);
    expect(of(join(folder, "config/webui_secret_key"))).toBe("key of acme");
    expect(of(join(folder, "config/branding/favicon.png"))).toBe("brand of acme");
    expect(existsSync(join(folder, "data/cache/embedding"))).toBe(false);
    expect(of(join(folder, "data/cache/image/made.png"))).toBe("made by a user");
    expect(existsSync(join(folder, "data/webui.db"))).toBe(false);
    for (const [file, table] of [
      ["webui.db", "mine"],
      ["data/vector_db/chroma.sqlite3", "v"],
    ]) {
      const copy = new DatabaseSync(join(folder, file as string), { readOnly: true });
      expect(copy.prepare(`SELECT a FROM ${table}`).all()).toEqual([{ a: "in the -wal only" }]);
      expect(copy.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      copy.close();
    }
    vectors.close();
    live.close();
  });

  it("can be read back without this program: by restic and tar", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    const archive = home.path("backup.tar");
    writeFileSync(archive, Buffer.from(await home.restic("acme", "dump", "latest", "backup.tar"), "latin1"));
    mkdirSync(home.path("by-hand"));
    execFileSync("tar", ["-xf", archive, "-C", home.path("by-hand")]);
    const folder = home.path("by-hand/backup");
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(digest(join(folder, "webui.db"))).toBe(manifest.database.sha256);
    // As an operator would: what sha256sum prints, sorted.
    const listed = execFileSync(
      "sh",
      ["-c", "find config data -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"],
      { cwd: folder, encoding: "utf8" },
    );
    expect(listed.split(" ")[0]).toBe(manifest.files.sha256);
  });

  it("is left alone by a start of the program until it is due, and comes at once when it is asked for", async () => {
    home = new BackupHome();
    const data = home.addTenant("acme");
    home.start();
    const first = await good("acme");
    expect(await home.stop()).toBe(0);
    home.log.length = 0;
    home.start();
    writeFileSync(join(data, "uploads/second.txt"), "another letter");
    const { code, said } = await home.command("run", "acme");
    expect(code).toBe(0);
    const second = JSON.parse(said);
    expect(second.lastGood > (first.lastGood ?? "")).toBe(true);
    // It had started before it was asked; had it backed up by itself, there were three.
    expect(second.snapshots).toBe(2);
    expect(home.log.filter(({ msg }) => msg === "tenant was backed up")).toHaveLength(1);
    const { said: listed } = await home.command("list", "acme");
    expect(JSON.parse(listed)).toEqual([
      { id: first.snapshot, time: expect.any(String), openWebui: "v0.11.3", database: "sqlite" },
      { id: second.snapshot, time: expect.any(String), openWebui: "v0.11.3", database: "sqlite" },
    ]);
    const earlier = await fetched("acme", (first.snapshot ?? "").slice(0, 8));
    expect(earlier.code).toBe(0);
    expect(existsSync(join(earlier.folder, "data/uploads/second.txt"))).toBe(false);
  });

  it("keeps what a trial restore showed over its next backups", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    const { snapshot } = await good("acme");
    const drill = { at: "2026-11-22T10:00:00.000Z", ok: true, snapshot, seconds: 12.5, why: null };
    // As the host's own script may do it.
    writeFileSync(home.path("status/acme.json"), JSON.stringify({ ...home.status("acme"), drill }));
    await home.command("run", "acme");
    expect(home.status("acme").drill).toEqual(drill);
  });

  it("is removed from the repository once it is too old, the latest aside", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.config.keep = 86_400;
    home.start();
    await good("acme");
    await home.stop();
    // As if it had been made two months ago.
    const old = JSON.parse(await home.restic("acme", "snapshots", "--json"))[0];
    const archive = await home.restic("acme", "dump", old.id, "backup.tar");
    writeFileSync(home.path("old.tar"), Buffer.from(archive, "latin1"));
    const store = ["backup", "--stdin", "--stdin-filename", "backup.tar", "--host", "acme", "--tag", "owui"];
    execFileSync("sh", ["-c", 'exec restic "$@" < "$TAR"', "sh", ...store, "--time", "2026-09-20 00:00:00"], {
      env: {
        ...process.env,
        TAR: home.path("old.tar"),
        RESTIC_REPOSITORY: home.path("repository/acme"),
        RESTIC_PASSWORD_FILE: home.path("passwords/acme"),
      },
    });
    const kept = home.status("acme");
    writeFileSync(
      home.path("status/acme.json"),
      JSON.stringify({ ...kept, tidied: "2026-11-01T00:00:00.000Z" }),
    );
    home.start();
    const { code, said } = await home.command("run", "acme");
    expect(code).toBe(0);
    expect(JSON.parse(said).snapshots).toBe(2);
    expect((await home.command("check", "acme", "--data")).code).toBe(0);
  });
});

describe("a program that runs", () => {
  it("takes up tenants that come, and other intervals, without a start", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    home.addTenant("globex");
    home.config.every = 3_600;
    home.tell();
    expect(await good("globex")).toMatchObject({ every: 3_600, failing: null });
    const acme = await until(
      "the interval",
      () => home.status("acme").every === 3_600 && home.status("acme"),
    );
    expect(acme).toMatchObject({ failing: null, snapshots: 1 });
    expect((await home.command("run", "globex")).code).toBe(0);
  });

  it("sees data that took the place of other data", async () => {
    home = new BackupHome();
    const data = home.addTenant("acme");
    home.start();
    await good("acme");
    renameSync(data, `${data}.before-7`);
    cpSync(`${data}.before-7`, data, { recursive: true });
    writeFileSync(join(data, "uploads/letter.txt"), "put in place");
    expect((await home.command("run", "acme")).complained).toBe("");
    const { folder } = await fetched("acme");
    expect(readFileSync(join(folder, "data/uploads/letter.txt"), "utf8")).toBe("put in place");
  });

  it("ends the backup of a tenant that goes, and writes nothing of it any more", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    // Longer than it takes to look at the config.
    const data = home.addTenant("leaver");
    writeFileSync(join(data, "uploads/large.bin"), randomBytes(400_000_000));
    home.start();
    await until("the backup of leaver", () => existsSync(home.path("state/staging/leaver")));
    const asked = home.command("run", "leaver");
    home.config.tenants.pop();
    home.tell();
    expect(await asked).toMatchObject({ code: 1, complained: expect.stringContaining("no tenant leaver") });
    await until("its end", () => home.log.some(({ msg }) => /is backed up no more/.test(String(msg))));
    rmSync(home.path("status/leaver.json"));
    expect((await home.command("run", "acme")).code).toBe(0);
    expect(existsSync(home.path("status/leaver.json"))).toBe(false);
    expect(existsSync(home.path("state/staging/leaver"))).toBe(false);
  });

  it("goes on as it was told before where the config cannot be read", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    writeFileSync(home.path("backup.json"), "{");
    await until("a complaint", () => home.log.some(({ msg }) => /the one before counts/.test(String(msg))));
    expect((await home.command("run", "acme")).code).toBe(0);
  });
});

describe("secrets", () => {
  it("are in no argument of any process, while a tenant is backed up and read back", async () => {
    home = new BackupHome();
    home.addTenant("acme", { megabytes: 8 });
    using watch = new ArgumentWatch();
    home.start();
    await good("acme");
    await fetched("acme");
    const { seen } = watch;
    expect(seen).toContain("backup.tar");
    for (const secret of ["passphrase of acme", "key of acme"]) expect(seen).not.toContain(secret);
    const logged = JSON.stringify(home.log) + home.complaints;
    for (const secret of ["passphrase of acme", "key of acme"]) expect(logged).not.toContain(secret);
  });
});
