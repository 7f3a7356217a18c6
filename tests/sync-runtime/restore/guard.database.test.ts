import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Guarded, guard } from "../../../sync-runtime/restore/guard.ts";
import { TestDatabase } from "../../support/postgres.ts";
import { contentsOfFile } from "../../support/table-contents.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { type TestReplica, TestReplicas } from "../node/test-replica.ts";
import { fileSource } from "./file-source.ts";

let replicas: TestReplicas;
let replica: TestReplica;
/** Has none. */
let stranger: TestReplica;
/** The identity of the data whose replica is kept. */
let identity: string;
let source: string;
let home: string;

beforeAll(async () => {
  replicas = await TestReplicas.create(2);
  [replica, stranger] = [replicas.nextTenant(), replicas.nextTenant()];
  source = join(mkdtempSync(join(tmpdir(), "guard-source-")), "webui.db");
  createWebuiDatabase(source, { schema: "v0.11.3-fresh", journal: "wal", chats: 5 });
  identity = replica.source.identity.id;
  await replica.sync(fileSource(source, replica.source.identity));
});
afterAll(async () => {
  await replicas[Symbol.asyncDispose]();
  rmSync(join(source, ".."), { recursive: true });
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "guard-"));
  mkdirSync(join(home, "data"));
  mkdirSync(join(home, "config"));
  identify(identity);
});
afterEach(() => rmSync(home, { recursive: true }));

const kept = () => join(home, "config/identity.json");
const shown = () => join(home, "data/.owui-identity.json");
const restoredFile = () => join(home, "data/webui.db");

/** As tenant-identity.sh leaves it. */
function identify(id: string): void {
  const text = JSON.stringify({ fleet: "test", tenant: replica.tenant, id, created: "2025-11-21T12:00:00Z" });
  for (const file of [kept(), shown()]) writeFileSync(file, text);
}

const asked = (changed: Partial<Guarded> = {}) =>
  guard({
    ...{
      home,
      fleet: "test",
      tenant: replica.tenant,
      container: "owui-acme",
      running: false,
      ifLost: "refuse",
    },
    connection: replicas.database.credentials("fleet_admin"),
    ...changed,
  });
const identityIn = (path: string) => JSON.parse(readFileSync(path, "utf8")).id;

test("a directory without its database is refused, and stays as it is", async () => {
  await expect(asked()).rejects.toMatchObject({
    code: "data-lost",
    message: expect.stringMatching(/holds no database, and its replica holds \d+ rows, verified at 20.*Z\./),
  });
  expect(readdirSync(home).sort()).toEqual(["config", "data"]);
  expect(readdirSync(join(home, "data"))).toEqual([".owui-identity.json"]);
});

test("a tenant without a replica starts, also in a database that was never migrated", async () => {
  expect(await asked({ tenant: stranger.tenant })).toBe("");
  const empty = await TestDatabase.createEmpty();
  expect(await asked({ tenant: stranger.tenant, connection: undefined })).toBe("");
  expect(await asked({ connection: empty.credentials("fleet_admin") })).toBe("");
  await empty.drop();
});

test("what starts empty is other data than any before", async () => {
  await asked({ tenant: stranger.tenant });
  expect(identityIn(kept())).not.toBe(identity);
  expect(identityIn(shown())).toBe(identityIn(kept()));
});

test("without an answer from the replicas' database nothing starts", async () => {
  const connection = { ...replicas.database.credentials("fleet_admin"), port: 1 };
  await expect(asked({ connection })).rejects.toMatchObject({
    code: "database-unreachable",
    message: expect.stringContaining("127.0.0.1:1 cannot be asked"),
  });
});

test("restore: replica brings the database back, with the mode and the identity it needs", async () => {
  rmSync(shown());
  expect(await asked({ ifLost: "replica" })).toMatch(/was rebuilt from its replica: \d+ tables, \d+ rows/);
  expect(contentsOfFile(restoredFile())).toEqual(contentsOfFile(source));
  const { mode, uid, gid } = lstatSync(restoredFile());
  expect(mode & 0o7777).toBe(0o640);
  expect([uid, gid]).toEqual([0, lstatSync(join(home, "data")).gid]);
  expect(readFileSync(shown(), "utf8")).toBe(readFileSync(kept(), "utf8"));
  expect(identityIn(shown())).toBe(identity);
  expect(lstatSync(shown()).mode & 0o777).toBe(0o444);
  expect(readdirSync(home).sort()).toEqual(["config", "data"]);
});

test("a directory that was made anew gets the identity of the replica", async () => {
  identify(randomUUID());
  await asked({ ifLost: "replica" });
  expect([identityIn(kept()), identityIn(shown())]).toEqual([identity, identity]);
});

test("what is left of the lost database is kept, and never mixed with the new one", async () => {
  writeFileSync(restoredFile(), "");
  writeFileSync(`${restoredFile()}-wal`, "frames of the lost one");
  await asked({ ifLost: "replica" });
  const aside = readdirSync(home).find((name) => name.startsWith("set-aside-"));
  expect(readFileSync(join(home, aside ?? "", "webui.db-wal"), "utf8")).toBe("frames of the lost one");
  expect(readdirSync(join(home, "data")).sort()).toEqual([".owui-identity.json", "webui.db"]);
});

test("links that a tenant put in the way lead nowhere", async () => {
  const elsewhere = join(home, "config/elsewhere");
  writeFileSync(elsewhere, "untouched");
  rmSync(shown());
  symlinkSync(elsewhere, shown());
  symlinkSync(elsewhere, `${restoredFile()}-wal`);
  await asked({ ifLost: "replica" });
  expect(readFileSync(elsewhere, "utf8")).toBe("untouched");
  expect(lstatSync(shown()).isFile()).toBe(true);
  const aside = readdirSync(home).find((name) => name.startsWith("set-aside-"));
  expect(readlinkSync(join(home, aside ?? "", "webui.db-wal"))).toBe(elsewhere);
});

test("a restore that fails leaves the directory without a database, and says why", async () => {
  const chats = `"tenant_${replica.tenant}".chat`;
  await replicas.intruder.query(`UPDATE ${chats} SET title = title || '!'`);
  try {
    await expect(asked({ ifLost: "replica" })).rejects.toMatchObject({ code: "not-equal" });
    expect(existsSync(restoredFile())).toBe(false);
    expect(readdirSync(home).sort()).toEqual(["config", "data"]);
  } finally {
    await replicas.intruder.query(`UPDATE ${chats} SET title = left(title, -1)`);
  }
});

test("fresh: true makes it other data, so that no node takes it for the old", async () => {
  const connection = { ...replicas.database.credentials("fleet_admin"), port: 1 };
  expect(await asked({ ifLost: "fresh", connection })).toContain("starts empty: its entry says fresh: true");
  expect(identityIn(shown())).toBe(identityIn(kept()));
  expect(identityIn(shown())).not.toBe(identity);
  expect(existsSync(restoredFile())).toBe(false);
});

test("the program takes the place by arguments and the connection on standard input, and says nothing secret", () => {
  const connection = replicas.database.credentials("fleet_admin");
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["sync-runtime/restore/guard.ts", home, "test", replica.tenant, "owui-acme", "refuse", "asked", ""],
    { input: JSON.stringify({ connection }), encoding: "utf8" },
  );
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^The data directory of tenant \S+ holds no database.*\nStarting it .*\nremedy: /);
  expect(stderr).not.toContain(connection.password);
});
