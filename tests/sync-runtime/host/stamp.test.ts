import { mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeStamp } from "../../../sync-runtime/host/stamp.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stamp-"));
  path = join(directory, "webui.db");
});
afterEach(() => rm(directory, { recursive: true }));

const now = () => BigInt(Date.now()) * 1_000_000n;
const SECOND = 1_000_000_000n;

/** An application's connection, in the given journal mode, with one table. */
function open(mode: "wal" | "delete"): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS t (a)`);
  return database;
}

describe("a stamp", () => {
  it("tells how the database has to be read", async () => {
    open("delete").close();
    expect((await takeStamp(directory, now())).state).toBe("rollback");
    const database = open("wal");
    expect((await takeStamp(directory, now())).state).toBe("live");
    database.close();
    expect((await takeStamp(directory, now())).state).toBe("settled");
  });

  it.each(["wal", "delete"] as const)(
    "changes with every commit in %s mode and with nothing else",
    async (mode) => {
      const database = open(mode);
      database.exec("INSERT INTO t VALUES (0)");
      const seen = new Set([(await takeStamp(directory, now())).fingerprint]);
      for (let commit = 1; commit <= 200; commit++) {
        // The same size, often within the resolution of the file's times.
        database.exec(`UPDATE t SET a = ${commit}`);
        const { fingerprint } = await takeStamp(directory, now());
        seen.add(fingerprint);
        database.prepare("SELECT a FROM t").all();
        expect((await takeStamp(directory, now())).fingerprint).toBe(fingerprint);
      }
      expect(seen.size).toBe(201);
      database.close();
    },
  );

  it("changes when a WAL is written from its beginning again", async () => {
    const database = open("wal");
    const before = await takeStamp(directory, now());
    database.exec(
      "INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(RESTART); DELETE FROM t; INSERT INTO t VALUES (1)",
    );
    expect((await takeStamp(directory, now())).fingerprint).not.toBe(before.fingerprint);
    database.close();
  });

  it("is trusted in WAL mode at once, otherwise only when the file's times are old enough to have moved", async () => {
    const database = open("wal");
    expect((await takeStamp(directory, now())).trusted).toBe(true);
    database.close();
    expect((await takeStamp(directory, now())).trusted).toBe(false);
    expect((await takeStamp(directory, now() + 3n * SECOND)).trusted).toBe(true);
  });

  it.each([
    ["-wal with contents", { "-wal": "frames" }, "abandoned"],
    ["-wal without contents", { "-wal": "" }, "settled"],
  ])("tells of a WAL database with nothing but a %s", async (_, files, state) => {
    open("wal").close();
    for (const [suffix, contents] of Object.entries(files)) await writeFile(path + suffix, contents);
    expect((await takeStamp(directory, now())).state).toBe(state);
  });

  it.each([
    ["-shm", "wal-incomplete"],
    ["-journal", "journal-hot"],
  ])("is not taken of a WAL database that has only a %s", async (suffix, code) => {
    open("wal").close();
    await writeFile(path + suffix, "something");
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code });
  });

  it.each([
    ["wal", "-wal"],
    ["delete", "-journal"],
  ] as const)("in %s mode counts what was left in a %s as contents", async (mode, suffix) => {
    open(mode).close();
    await writeFile(path + suffix, "something");
    const later = now() + 3n * SECOND;
    const { fingerprint, trusted } = await takeStamp(directory, later);
    expect(trusted).toBe(true);
    expect((await takeStamp(directory, now())).trusted).toBe(false);
    await rm(path + suffix);
    expect((await takeStamp(directory, later)).fingerprint).not.toBe(fingerprint);
  });

  it("is not taken of what is no database", async () => {
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code: "database-missing" });
    await writeFile(path, "SQLite format 2");
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code: "database-damaged" });
    await truncate(path, 0);
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code: "database-damaged" });
    await rm(path);
    await symlink("/etc/passwd", path);
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code: "database-not-regular" });
  });

  it("is not taken of a header that was cut off", async () => {
    open("delete").close();
    await truncate(path, 20);
    await expect(takeStamp(directory, now())).rejects.toMatchObject({ code: "database-damaged" });
  });
});
