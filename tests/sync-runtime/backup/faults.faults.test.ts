import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { BackupHome } from "../../support/backup-home.ts";
import { until } from "../../support/fleet/until.ts";

let home: BackupHome;
afterEach(() => home[Symbol.asyncDispose]());

const kept = (tenant: string) =>
  existsSync(home.path("status", `${tenant}.json`)) ? home.status(tenant) : undefined;
const good = (tenant: string) =>
  until(`a backup of ${tenant}`, () => {
    const is = kept(tenant);
    return is?.lastGood != null && is.lastGood === is.lastStarted && is;
  });
const failing = (tenant: string) =>
  until(`a failure of ${tenant}`, () => kept(tenant)?.failing && kept(tenant));

const fetched = async (tenant: string) => {
  const folder = home.path("fetched");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return { folder, ...(await home.command("fetch", tenant, "latest", folder)) };
};

describe("kill -9", () => {
  it.each(["backup:half-stored", "backup:stored"])(
    "at %s leaves nothing that is offered; the next start goes on, whatever was locked",
    async (fault) => {
      home = new BackupHome();
      const data = home.addTenant("acme");
      home.start();
      const first = await good("acme");
      await home.stop();
      writeFileSync(join(data, "uploads/second.txt"), "written since");
      writeFileSync(
        home.path("status/acme.json"),
        JSON.stringify({ ...home.status("acme"), due: new Date(0).toISOString() }),
      );
      const child = home.start({ OWUI_FAULT: fault });
      await until("the program is dead", () => child.signalCode === "SIGKILL");
      // restic outlives it here, and takes the end of its input for the end of the backup.
      await until(
        "restic has ended",
        async () => (await home.restic("acme", "list", "locks", "--no-lock")) === "" || fault,
      );
      const listed = JSON.parse((await home.command("list", "acme")).said);
      expect(listed.map(({ id }: { id: string }) => id)).toEqual([first.snapshot]);
      expect(home.status("acme").lastGood).toBe(first.lastGood);

      home.start();
      const { code, said } = await home.command("run", "acme");
      expect(code).toBe(0);
      expect(JSON.parse(said)).toMatchObject({ failing: null, snapshots: 2 });
      const { folder, code: back } = await fetched("acme");
      expect(back).toBe(0);
      expect(readFileSync(join(folder, "data/uploads/second.txt"), "utf8")).toBe("written since");
    },
  );

  it("of restic leaves a lock that the next backup takes away", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    const locks = home.path("repository/acme/locks");
    const restic = spawn("restic", ["backup", "--stdin"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: {
        ...process.env,
        RESTIC_REPOSITORY: home.path("repository/acme"),
        RESTIC_PASSWORD_FILE: home.path("passwords/acme"),
      },
    });
    await until("it holds its lock", () => readdirSync(locks).length > 0);
    restic.kill("SIGKILL");
    await until("it is dead", () => restic.signalCode === "SIGKILL");
    expect(readdirSync(locks)).toHaveLength(1);
    const { code, complained } = await home.command("run", "acme");
    expect([code, complained]).toEqual([0, ""]);
    expect(readdirSync(locks)).toEqual([]);
  });
});

describe("a place that cannot be written to", () => {
  it("which is not mounted is told so, nothing is begun anew there, and it goes on once it is", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    const first = await good("acme");
    renameSync(home.path("repository"), home.path("away"));
    mkdirSync(home.path("repository"));
    const { code, complained } = await home.command("run", "acme");
    expect(code).toBe(1);
    expect(complained).toContain("is not mounted");
    expect(readdirSync(home.path("repository"))).toEqual([]);
    expect(home.status("acme")).toMatchObject({
      lastGood: first.lastGood,
      failing: { why: expect.stringContaining("mount it") },
    });
    rmSync(home.path("repository"), { recursive: true });
    renameSync(home.path("away"), home.path("repository"));
    expect((await home.command("run", "acme")).code).toBe(0);
    expect(home.status("acme").failing).toBeNull();
  });

  it("whose repository somebody removed is not begun anew as if nothing had been", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    rmSync(home.path("repository/acme"), { recursive: true });
    const { code, complained } = await home.command("run", "acme");
    expect(code).toBe(1);
    expect(complained).toContain("is not there any more");
    expect(existsSync(home.path("repository/acme"))).toBe(false);
  });

  it("which is full says so, and earlier backups are as they were", async () => {
    home = new BackupHome();
    const disk = home.path("repository");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", disk]);
    try {
      writeFileSync(join(disk, ".owui-backups"), "test\n");
      const data = home.addTenant("acme");
      home.start();
      const first = await good("acme");
      execFileSync("sh", ["-c", `head -c 14000000 /dev/urandom > '${data}/large.bin'`]);
      const { code, complained } = await home.command("run", "acme");
      expect(code).toBe(1);
      expect(complained).toContain("no room left");
      expect(home.status("acme")).toMatchObject({ lastGood: first.lastGood, snapshots: 1 });
      rmSync(join(data, "large.bin"));
      expect(JSON.parse((await home.command("list", "acme")).said)).toHaveLength(1);
    } finally {
      await home.stop("SIGKILL");
      execFileSync("umount", ["-l", disk]);
    }
  });

  it("by another passphrase is told so", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    chmodSync(home.path("passwords/acme"), 0o600);
    writeFileSync(home.path("passwords/acme"), "another one");
    const { code, complained } = await home.command("run", "acme");
    expect(code).toBe(1);
    expect(complained).toContain("passphrase is another one");
    expect(home.status("acme").failing?.why).toContain("recovery kit");
  });

  it("of a tenant that came back with a new passphrase is opened with a former one, and is the new one's then", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    const file = home.path("passwords/acme");
    rmSync(file);
    writeFileSync(file, "new one");
    writeFileSync(`${file}.former`, "an older one\npassphrase of acme\none that was never used\n");
    expect(JSON.parse((await home.command("list", "acme")).said)).toHaveLength(1);
    // Without the former ones as well, to whoever asks.
    rmSync(`${file}.former`);
    expect((await home.command("run", "acme")).code).toBe(0);
    expect((await home.command("check", "acme", "--data")).code).toBe(0);
    expect(JSON.parse((await home.command("list", "acme")).said)).toHaveLength(2);
  });

  it("that was damaged is not read back as if it were whole", async () => {
    home = new BackupHome();
    home.addTenant("acme");
    home.start();
    await good("acme");
    const packs = readdirSync(home.path("repository/acme/data"), {
      recursive: true,
      withFileTypes: true,
    }).filter((entry) => entry.isFile());
    for (const { parentPath, name } of packs) {
      const path = join(parentPath, name);
      const bytes = readFileSync(path);
      bytes.fill(0x58, bytes.length >> 2, (bytes.length >> 2) + 64);
      chmodSync(path, 0o600);
      writeFileSync(path, bytes);
    }
    expect((await fetched("acme")).code).toBe(1);
    const { code, complained } = await home.command("check", "acme", "--data");
    expect(code).toBe(1);
    expect(complained).toContain("damaged");
  });
});

describe("a hostile tenant", () => {
  it.each<[string, (data: string) => void, string]>([
    [
      "with a link in its database's place",
      (data) => {
        rmSync(join(data, "webui.db"));
        symlinkSync(home.path("tenants/globex/data/webui.db"), join(data, "webui.db"));
      },
      "database-not-regular",
    ],
    [
      "with a pipe in its database's place",
      (data) => {
        rmSync(join(data, "webui.db"));
        execFileSync("mkfifo", [join(data, "webui.db")]);
      },
      "database-not-regular",
    ],
    [
      "with garbage for a database",
      (data) => writeFileSync(join(data, "webui.db"), "x".repeat(9999)),
      "no SQLite",
    ],
    [
      "with a file that is a hole of ten terabytes",
      (data) => {
        writeFileSync(join(data, "hole"), "");
        truncateSync(join(data, "hole"), 10 ** 13);
      },
      "hardly any of them is on disk",
    ],
    [
      "with another's identity",
      (data) =>
        writeFileSync(
          join(data, ".owui-identity.json"),
          readFileSync(home.path("tenants/globex/data/.owui-identity.json")),
        ),
      "names another tenant",
    ],
  ])("%s fails alone, and its neighbour is backed up", async (_, attack, said) => {
    home = new BackupHome();
    const data = home.addTenant("acme");
    home.addTenant("globex");
    attack(data);
    home.start();
    const failed = await failing("acme");
    await good("globex");
    expect(failed?.lastGood).toBeNull();
    expect(failed?.failing?.why).toContain(said);
  });

  it("whose files are links, pipes and sockets is backed up without them, and nothing of its neighbour with it", async () => {
    home = new BackupHome();
    const data = home.addTenant("acme");
    const other = home.addTenant("globex");
    writeFileSync(join(other, "uploads/secret.txt"), "NEIGHBOURS-SECRET");
    symlinkSync(join(other, "uploads"), join(data, "linked"));
    symlinkSync(join(other, "uploads/secret.txt"), join(data, "uploads/secret.txt"));
    symlinkSync(home.path("passwords/globex"), join(data, "uploads/passphrase"));
    execFileSync("mkfifo", [join(data, "uploads/pipe")]);
    home.start();
    await good("acme");
    const { folder } = await fetched("acme");
    expect(
      execFileSync("sh", ["-c", "grep -rlE 'NEIGHBOURS-SECRET|passphrase of globex' . || echo none"], {
        ...{ encoding: "utf8", cwd: folder },
      }).trim(),
    ).toBe("none");
  });

  it("that swaps a directory for a link to its neighbour's all the time never gets the neighbour's files", async () => {
    home = new BackupHome();
    const data = home.addTenant("acme");
    const other = home.addTenant("globex");
    for (let file = 0; file < 60; file++) {
      writeFileSync(join(other, `uploads/${file}.txt`), `NEIGHBOURS-SECRET ${file}`);
      writeFileSync(join(data, `uploads/${file}.txt`), `own ${file}`);
    }
    symlinkSync(join(other, "uploads"), join(data, "link"));
    const swap = `while :; do mv -T uploads kept; mv -T link uploads; mv -T uploads link; mv -T kept uploads; done`;
    const swapper = spawn("sh", ["-c", swap], { cwd: data, stdio: "ignore" });
    try {
      home.start();
      await until("a backup or a failure", () => {
        const is = kept("acme");
        return Boolean(is?.failing) || (is?.lastGood != null && is.lastGood === is.lastStarted);
      });
      await home.command("run", "acme");
    } finally {
      swapper.kill("SIGKILL");
    }
    const { said } = await home.command("list", "acme").catch(() => ({ said: "[]" }));
    for (const { id } of said.startsWith("[") ? JSON.parse(said) : [])
      expect(await home.restic("acme", "dump", id, "backup.tar")).not.toContain("NEIGHBOURS-SECRET");
  });
});
