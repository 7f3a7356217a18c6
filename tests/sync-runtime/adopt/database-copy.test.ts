import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyLive, copySettled } from "../../../sync-runtime/adopt/database-copy.ts";
import { type Asked, copy } from "../../../sync-runtime/adopt/main.ts";
import { survey } from "../../../sync-runtime/adopt/survey.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";

let bench: string;
let source: string;
let target: { copy: string; staging: string };

beforeEach(() => {
  bench = mkdtempSync(join(tmpdir(), "adopt-"));
  mkdirSync(join(bench, "source"));
  source = join(bench, "source/webui.db");
  target = { copy: join(bench, "copy/webui.db"), staging: join(bench, "staging") };
  mkdirSync(join(bench, "copy"));
});
afterEach(() => rmSync(bench, { recursive: true, force: true }));

const make = (journal: "wal" | "rollback", schema = "v0.11.3-fresh") =>
  createWebuiDatabase(source, { schema, journal, chats: 30 });
const chats = (path: string): number => {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare("SELECT count(*) AS n FROM chat").get()?.n);
  } finally {
    database.close();
  }
};
const hashes = () =>
  ["", "-wal", "-journal"]
    .filter((suffix) => existsSync(source + suffix))
    .map((suffix) =>
      createHash("sha256")
        .update(readFileSync(source + suffix))
        .digest("hex"),
    );

describe.each(["wal", "rollback"] as const)("a database in %s mode", (journal) => {
  beforeEach(() => make(journal));

  it("is copied byte by byte once nobody writes it, and its source stays as it is", async () => {
    const before = hashes();
    const made = await copySettled(source, target);
    expect(made.rows).toMatchObject({ chat: 30 });
    expect(chats(target.copy)).toBe(30);
    expect(hashes()).toEqual(before);
    expect(existsSync(`${target.copy}-wal`)).toBe(false);
  });

  it("is copied beside its writer, with all that was committed and nothing that was not", async () => {
    const writer = new DatabaseSync(source);
    writer.exec("DELETE FROM chat WHERE rowid <= 10");
    // Readers of a rollback journal wait for a transaction that has begun to write; it has only begun.
    writer.exec("BEGIN; SELECT 1 FROM chat");
    expect((await copyLive(source, target)).rows.chat).toBe(20);
    writer.exec("COMMIT");
    writer.close();
    expect(chats(target.copy)).toBe(20);
  });

  it("is brought home from what a killed writer left", async () => {
    // What kill -9 leaves is what is on the disk in the middle of the transaction.
    const writer = new DatabaseSync(source);
    writer.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 1;");
    writer.exec("DELETE FROM chat WHERE rowid <= 5");
    writer.exec("BEGIN IMMEDIATE; UPDATE chat SET title = 'never committed', chat = zeroblob(200000)");
    const left = join(bench, "left");
    mkdirSync(left);
    for (const suffix of ["", "-wal", "-journal"])
      if (existsSync(source + suffix)) copyFileSync(source + suffix, join(left, `webui.db${suffix}`));
    writer.exec("ROLLBACK");
    writer.close();
    const made = await copySettled(join(left, "webui.db"), target);
    expect(made.rows.chat).toBe(25);
    const database = new DatabaseSync(target.copy, { readOnly: true });
    expect(database.prepare("SELECT count(*) AS n FROM chat WHERE title = 'never committed'").get()?.n).toBe(
      0,
    );
    database.close();
  });

  it("is surveyed without being touched", async () => {
    const before = hashes();
    const seen = await survey(source, { tree: join(bench, "source"), without: () => false, scratch: bench });
    expect(seen.database).toMatchObject({ journal, unclean: false, chats: 30, heads: ["d4c1a8e37b62"] });
    expect(hashes()).toEqual(before);
  });
});

it("is copied from what was saved of a machine that lost its power, a -wal without its index", async () => {
  make("wal");
  const writer = new DatabaseSync(source);
  writer.exec("PRAGMA wal_autocheckpoint = 0; DELETE FROM chat WHERE rowid <= 10");
  const left = join(bench, "left/webui.db");
  mkdirSync(join(bench, "left/uploads"), { recursive: true });
  for (const suffix of ["", "-wal"]) copyFileSync(source + suffix, left + suffix);
  writer.close();
  writeFileSync(join(bench, "left/uploads/letter"), "what Ben uploaded");
  const around = { tree: undefined, uploads: join(bench, "left/uploads"), without: () => false };
  expect(await survey(left, { ...around, scratch: bench })).toMatchObject({
    database: { journal: "wal", unclean: true, chats: 20 },
    tree: { files: 1, bytes: 17, uploads: 1 },
  });
  expect((await copyLive(left, target)).rows.chat).toBe(20);
  expect(chats(target.copy)).toBe(20);
  expect(readdirSync(join(bench, "left")).sort()).toEqual(["uploads", "webui.db", "webui.db-wal"]);
});

describe("what is no database", () => {
  it.each([
    [
      "text",
      () => writeFileSync(source, "no database at all, but long enough to be read as one".repeat(40)),
      /cannot be read as a database/,
    ],
    [
      "cut short",
      () => {
        make("wal");
        writeFileSync(source, readFileSync(source).subarray(0, 100_000));
      },
      /damaged|cannot be read/,
    ],
  ])("is told: %s", async (_, prepare, why) => {
    prepare();
    await expect(copySettled(source, target)).rejects.toThrow(why);
    await expect(copyLive(source, target)).rejects.toThrow(why);
    expect(existsSync(target.copy)).toBe(false);
  });

  it("is told of an empty file, none and a link", async () => {
    const look = () => survey(source, { tree: undefined, without: () => false, scratch: bench });
    await expect(look()).rejects.toThrow(/There is no/);
    writeFileSync(source, "");
    await expect(look()).rejects.toThrow(/an empty file/);
    rmSync(source);
    symlinkSync("/etc/passwd", source);
    await expect(look()).rejects.toThrow(/no file/);
  });
});

describe("an adoption's copy", () => {
  const asked = (still: boolean, more: Partial<Asked> = {}): Asked => ({
    ...{ database: source, data: join(bench, "source"), uploads: null, to: join(bench, "adoption"), still },
    ...more,
  });

  it("has the files, the database under its tenant's name, and nobody's mark", async () => {
    source = join(bench, "source/old name.db");
    make("rollback");
    mkdirSync(join(bench, "source/uploads"));
    writeFileSync(join(bench, "source/uploads/one"), "1");
    writeFileSync(join(bench, "source/.owui-identity.json"), "another fleet's");
    writeFileSync(join(bench, "source/webui.db"), "some other file");
    await copy(asked(false));
    const last = await copy(asked(true));
    expect(last.files).toMatchObject({ files: 1, read: { files: 0 } });
    expect(chats(join(bench, "adoption/data/webui.db"))).toBe(30);
    for (const name of [".owui-identity.json", "old name.db"])
      expect(existsSync(join(bench, "adoption/data", name))).toBe(false);
  });

  it("takes uploads from another folder, and nothing else of it", async () => {
    make("wal");
    mkdirSync(join(bench, "elsewhere"));
    writeFileSync(join(bench, "elsewhere/two"), "22");
    const made = await copy(asked(true, { data: null, uploads: join(bench, "elsewhere") }));
    expect(made.files).toMatchObject({ files: 1, bytes: 2 });
    expect(readFileSync(join(bench, "adoption/data/uploads/two"), "utf8")).toBe("22");
  });

  it("can be made again after it was cut off anywhere", async () => {
    make("wal");
    writeFileSync(join(bench, "source/file"), "whole");
    mkdirSync(join(bench, "adoption/data"), { recursive: true });
    writeFileSync(join(bench, "adoption/staged-file"), "ha");
    mkdirSync(join(bench, "adoption/staged-database"));
    writeFileSync(join(bench, "adoption/staged-database/webui.db-wal"), "ha");
    writeFileSync(join(bench, "adoption/data/file"), "ha");
    await copy(asked(true));
    expect(readFileSync(join(bench, "adoption/data/file"), "utf8")).toBe("whole");
    expect(chats(join(bench, "adoption/data/webui.db"))).toBe(30);
  });
});
