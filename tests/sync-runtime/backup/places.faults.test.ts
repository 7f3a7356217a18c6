import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { S3Bucket } from "../../../sync-runtime/backup/s3-bucket.ts";
import type { StoredOfTenant } from "../../../sync-runtime/backup/stored.ts";
import { installPackages } from "../../../toolchain/setup/packages.ts";
import { BackupHome } from "../../support/backup-home.ts";
import { until } from "../../support/fleet/until.ts";
import { S3Server, s3Key } from "../../support/s3/s3-server.ts";
import { Sshd } from "../../support/sftp/sshd.ts";

beforeAll(() => installPackages(["restic", "openssh-server"], console.log));

let home: BackupHome;
let ends: (() => unknown)[] = [];
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  for (const end of ends) await end();
  ends = [];
});

/** Backs acme up, and reads it back. */
async function thereAndBack(): Promise<void> {
  home.addTenant("acme");
  home.start();
  const { code, complained } = await home.command("run", "acme");
  expect([code, complained]).toEqual([0, ""]);
  const folder = home.path("fetched");
  mkdirSync(folder);
  const fetched = await home.command("fetch", "acme", "latest", folder);
  expect([fetched.code, fetched.complained]).toEqual([0, ""]);
  expect(readFileSync(join(folder, "data/uploads/letter.txt"), "utf8")).toBe("a letter to acme");
}

/** What the place has of a tenant, by the program itself. */
async function stored(verb: "stored" | "remove", tenant = "acme"): Promise<StoredOfTenant> {
  const { code, said, complained } = await home.command(verb, tenant);
  expect([code, complained]).toEqual([0, ""]);
  return JSON.parse(said);
}

/** A second tenant, whose name begins as the first's, with a backup. */
async function neighbour(): Promise<StoredOfTenant> {
  home.addTenant("acme-eu");
  home.tell();
  await until("the program takes notice", async () => (await home.command("run", "acme-eu")).code === 0);
  return stored("stored", "acme-eu");
}

describe("a bucket", () => {
  let server: S3Server;

  /** @param versions whether it keeps older versions of its objects */
  async function inBucket(versions = false): Promise<S3Bucket> {
    home = new BackupHome();
    mkdirSync(home.path("versions"));
    server = await S3Server.start(home.path("repository"), versions ? [] : ["fleet-backups"], {
      versions: versions ? home.path("versions") : undefined,
    });
    ends.push(() => server.stop());
    writeFileSync(home.path("key"), `${s3Key.secret}\n`, { mode: 0o400 });
    const repository = {
      ...{ kind: "s3" as const, endpoint: server.endpoint, bucket: "fleet-backups", prefix: "a/b" },
      ...{ region: "us-east-1", keyId: s3Key.id, keyFile: home.path("key") },
    };
    home.config.repository = repository;
    return new S3Bucket(repository, s3Key.secret);
  }

  it("takes backups and gives them back, and a server that is away is told", async () => {
    await inBucket();
    await thereAndBack();
    await server.stop();
    ends = [];
    for (const verb of ["run", "stored", "remove"]) {
      const { code, complained } = await home.command(verb, "acme");
      expect([verb, code, complained]).toEqual([verb, 1, expect.stringContaining("cannot be reached")]);
    }
  });

  it.each([
    ["another secret", () => writeFileSync(home.path("other"), "another secret\n")],
    ["the id of nobody", () => Object.assign(home.config.repository, { keyId: "nobody" })],
  ])("says that it refuses a key with %s, to whoever lists, looks or erases", async (_, change) => {
    await inBucket();
    await thereAndBack();
    Object.assign(home.config.repository, { keyFile: home.path("other") });
    writeFileSync(home.path("other"), `${s3Key.secret}\n`);
    change();
    for (const verb of ["list", "check", "stored", "remove"]) {
      const { code, complained } = await home.command(verb, "acme");
      expect([verb, code, complained]).toEqual([
        verb,
        1,
        expect.stringContaining("Check that the key in `backups.repository` may"),
      ]);
    }
  });

  it("has nothing of a tenant that was removed from it, and everything of the others", async () => {
    await inBucket();
    await thereAndBack();
    const other = await neighbour();
    expect(await stored("stored")).toMatchObject({ objects: expect.any(Number), bytes: expect.any(Number) });
    expect((await stored("stored")).objects).toBeGreaterThan(5);
    // What restic did not make lies in the tenant's folder all the same.
    writeFileSync(home.path('repository/fleet-backups/a/b/acme/it\'s a "file" &.txt'), "kept by hand");
    expect(await stored("remove")).toMatchObject({ objects: 0, bytes: 0 });
    expect(await stored("remove")).toMatchObject({ objects: 0 });
    expect(await stored("stored", "acme-eu")).toEqual(other);
    expect((await home.command("check", "acme-eu", "--data")).code).toBe(0);
    expect((await home.command("list", "acme")).complained).toContain("There is no backup of acme");
  });

  it("that keeps older versions has none of them either", async () => {
    const bucket = await inBucket(true);
    const signal = new AbortController().signal;
    await bucket.request("PUT", "", {}, signal);
    await bucket.request("PUT", "", { versioning: "" }, signal, {
      body: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    });
    await thereAndBack();
    // restic removes its locks, which leaves versions of them.
    const shown = await bucket.list("acme", {}, signal);
    const all = await bucket.list("acme", { versions: true }, signal);
    expect(all.length).toBeGreaterThan(shown.length);
    expect(await stored("remove")).toEqual({ objects: 0, bytes: 0, versions: true });
    expect(await bucket.list("acme", { versions: true }, signal)).toEqual([]);
  });

  it("that keeps what is written for a while says that it does not delete", async () => {
    const bucket = await inBucket(true);
    const signal = new AbortController().signal;
    await bucket.request("PUT", "", {}, signal, { headers: { "x-amz-bucket-object-lock-enabled": "true" } });
    await thereAndBack();
    await bucket.request("PUT", "", { "object-lock": "" }, signal, {
      body: "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
    });
    await bucket.request("PUT", "a/b/acme/data/00/0000", {}, signal, { body: "a pack" });
    const { code, complained } = await home.command("remove", "acme");
    expect([code, complained]).toEqual([
      1,
      expect.stringMatching(/cannot be deleted.*WORM.*may delete there/s),
    ]);
    expect((await stored("stored")).objects).toBeGreaterThan(0);
  });
});

describe("a server that is reached over ssh", () => {
  async function overSsh(sftp?: string): Promise<Sshd> {
    home = new BackupHome();
    const sshd = await Sshd.start(home.path("ssh"), { sftp });
    ends.push(() => sshd.stop());
    const { address, port, user, keyFile, hostKey } = sshd;
    writeFileSync(home.path("known_hosts"), `[${address}]:${port} ${hostKey}\n`);
    home.config.repository = {
      ...{ kind: "sftp", address, port, user, keyFile },
      ...{ path: home.path("repository"), knownHosts: home.path("known_hosts") },
    };
    return sshd;
  }

  it("takes backups and gives them back, and another server in its place is not believed", async () => {
    const { port, keyFile } = await overSsh();
    await thereAndBack();
    expect(existsSync(home.path("repository/acme/config"))).toBe(true);
    const another = readFileSync(`${keyFile}.pub`, "utf8").trim();
    writeFileSync(home.path("known_hosts"), `[127.0.0.1]:${port} ${another}\n`);
    const { code, complained } = await home.command("list", "acme");
    expect(code).toBe(1);
    expect(complained).toMatch(/does not let us in|cannot be reached/);
  });

  it("has nothing of a tenant that was removed from it, and everything of the others", async () => {
    await overSsh();
    await thereAndBack();
    const other = await neighbour();
    expect((await stored("stored")).objects).toBeGreaterThan(256);
    const nasty = home.path('repository/acme/it\'s a "folder" *[a]?');
    mkdirSync(nasty);
    writeFileSync(join(nasty, ".hidden"), "kept by hand");
    symlinkSync(home.path("repository/acme-eu"), join(nasty, "link"));
    expect(await stored("remove")).toEqual({ objects: 0, bytes: 0, versions: true });
    expect(existsSync(home.path("repository/acme"))).toBe(false);
    expect(await stored("remove")).toMatchObject({ objects: 0 });
    expect(await stored("stored", "acme-eu")).toEqual(other);
    expect((await home.command("check", "acme-eu", "--data")).code).toBe(0);
  });

  it("that is away is told, and asked again once it is back", async () => {
    const sshd = await overSsh();
    await thereAndBack();
    await sshd.stop();
    ends = [];
    for (const [verb, said] of [
      ["run", /cannot be reached/],
      ["stored", /cannot be reached.*Connection refused/],
      ["remove", /cannot be reached.*Connection refused/],
    ] as const) {
      const { code, complained } = await home.command(verb, "acme");
      expect([verb, code, complained]).toEqual([verb, 1, expect.stringMatching(said)]);
    }
    const again = await Sshd.start(home.path("ssh"), { at: sshd });
    ends.push(() => again.stop());
    expect(await stored("remove")).toMatchObject({ objects: 0 });
  });

  it("that takes no deletion says so, and keeps everything", async () => {
    await overSsh("internal-sftp -P remove,rmdir");
    mkdirSync(home.path("repository/acme/data"), { recursive: true });
    writeFileSync(home.path("repository/acme/config"), "encrypted");
    const { code, complained } = await home.command("remove", "acme");
    expect([code, complained]).toEqual([1, expect.stringMatching(/refuses to delete.*may delete there/s)]);
    expect(readFileSync(home.path("repository/acme/config"), "utf8")).toBe("encrypted");
  });

  it("whose disk is not mounted is no place where nothing is left", async () => {
    await overSsh();
    rmSync(home.path("repository"), { recursive: true });
    for (const verb of ["stored", "remove"]) {
      const { code, complained } = await home.command(verb, "acme");
      expect([code, complained]).toEqual([1, expect.stringContaining("not found")]);
    }
  });
});
