import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Failure } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";

let agent: AgentProcess;
let neighbour: string;
beforeAll(async () => {
  agent = await AgentProcess.start();
  neighbour = join(agent.tenant("neighbour"), "webui.db");
  createWebuiDatabase(neighbour, { schema: "v0.11.3-fresh", journal: "wal" });
});
afterAll(() => agent[Symbol.asyncDispose]());

/** The only thing the agent says of a tenant; more than an error fails the test. */
async function failureOf(tenant: string): Promise<Failure> {
  const messages = await agent.changes(tenant);
  expect(messages.map(({ type }) => type)).toEqual(["error"]);
  const [message] = messages;
  if (message?.type !== "error") throw new Error("unreachable");
  return message.error;
}

let count = 0;
/** A new tenant and where its database would be. */
const newTenant = () => {
  const id = `hostile-${++count}`;
  return { id, path: join(agent.tenant(id), "webui.db") };
};

/** A database made by statements. */
function makeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA synchronous = OFF; ${sql}`);
  database.close();
}

describe("a tenant that replaced its database file", () => {
  it.each<[string, (path: string) => void, string]>([
    ["by a link to the neighbour's", (path) => symlinkSync(neighbour, path), "database-not-regular"],
    [
      "by a relative link to the neighbour's",
      (path) => symlinkSync("../../neighbour/data/webui.db", path),
      "database-not-regular",
    ],
    ["by a link to a file of the host", (path) => symlinkSync("/etc/passwd", path), "database-not-regular"],
    ["by a pipe that nobody writes to", (path) => execFileSync("mkfifo", [path]), "database-not-regular"],
    ["by a device", (path) => execFileSync("mknod", [path, "c", "1", "5"]), "database-not-regular"],
    ["by a directory", (path) => mkdirSync(path), "database-not-regular"],
    ["by garbage", (path) => writeFileSync(path, Buffer.alloc(100_000, "garbage")), "database-damaged"],
    ["by nothing at all", (path) => writeFileSync(path, ""), "database-damaged"],
    [
      "by a header and no pages",
      (path) => writeFileSync(path, readFileSync(neighbour).subarray(0, 100)),
      "database-damaged",
    ],
    [
      "by a cut copy",
      (path) => writeFileSync(path, readFileSync(neighbour).subarray(0, 200_000)),
      "database-damaged",
    ],
    ["and has none", () => {}, "database-missing"],
  ])("%s gets an error of its own", async (_, replace, code) => {
    const { id, path } = newTenant();
    replace(path);
    const failure = await failureOf(id);
    expect(failure.code).toBe(code);
    expect(failure.remedy).not.toBe("");
  });

  it.each(["-wal", "-shm"])("beside a %s that links to the neighbour's gets an error", async (suffix) => {
    const { id, path } = newTenant();
    makeDatabase(path, "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    const open = new DatabaseSync(neighbour);
    open.exec("CREATE TABLE IF NOT EXISTS mine (a); INSERT INTO mine VALUES (1)");
    for (const ending of ["-wal", "-shm"])
      if (ending === suffix) symlinkSync(`${neighbour}${ending}`, path + ending);
      else writeFileSync(path + ending, readFileSync(`${neighbour}${ending}`));
    expect((await failureOf(id)).code).toBe("database-not-regular");
    open.close();
  });

  it("never gives the neighbour's rows, however it swaps file and link while it is asked", async () => {
    const { id, path } = newTenant();
    const own = "PRAGMA journal_mode = WAL; CREATE TABLE own (a); INSERT INTO own VALUES (1)";
    makeDatabase(`${path}.own`, own);
    symlinkSync(neighbour, `${path}.link`);
    let asking = true;
    const swapping = (async () => {
      for (let turn = 0; asking; turn++) {
        rmSync(path, { force: true });
        const next = turn % 2 ? "link" : "own";
        execFileSync("cp", ["-P", `${path}.${next}`, `${path}.next`]);
        renameSync(`${path}.next`, path);
        await setImmediate();
      }
    })();
    for (let round = 0; round < 12; round++)
      for (const message of await agent.changes(id)) {
        if (message.type === "header") expect(message.header.tables.map(({ name }) => name)).toEqual(["own"]);
        if (message.type === "error") expect(message.error.code).toMatch(/^database-/);
      }
    asking = false;
    await swapping;
  });
});

describe("a tenant whose data is not shown to be its own", () => {
  it.each<[string, (identity: string) => void, string]>([
    ["without an identity file", (identity) => rmSync(identity), "identity-missing"],
    ["with an identity that does not parse", (identity) => writeFileSync(identity, "{}"), "identity-invalid"],
    [
      "with the neighbour's identity",
      (identity) => writeFileSync(identity, readFileSync(join(neighbour, "../.owui-identity.json"))),
      "identity-invalid",
    ],
    [
      "with an identity of 1 MB",
      (identity) => writeFileSync(identity, Buffer.alloc(1_000_000, " ")),
      "identity-invalid",
    ],
    [
      "with a link for an identity",
      (identity) => {
        rmSync(identity);
        symlinkSync(join(neighbour, "../.owui-identity.json"), identity);
      },
      "database-not-regular",
    ],
  ])("%s is not read", async (_, change, code) => {
    const { id, path } = newTenant();
    makeDatabase(path, "CREATE TABLE t (a)");
    change(join(path, "../.owui-identity.json"));
    expect((await failureOf(id)).code).toBe(code);
  });
});

describe("a schema that no replica can hold is refused by name", () => {
  it.each<[string, string, string]>([
    [
      "a column that looks like the replica's own",
      "CREATE TABLE t (a, _replica_digest)",
      '"t._replica_digest"',
    ],
    ["a table that looks like the replica's own", "CREATE TABLE _Replica_x (a)", '"_Replica_x"'],
    ["a name beyond Postgres' length", `CREATE TABLE "${"x".repeat(64)}" (a)`, "longer than 63 bytes"],
    ["an empty name", 'CREATE TABLE t (a, "")', "it is empty"],
    [
      "too many columns",
      `CREATE TABLE wide (${Array.from({ length: 501 }, (_, i) => `c${i}`)})`,
      "501 columns",
    ],
    [
      "too many tables",
      `BEGIN; ${Array.from({ length: 1001 }, (_, i) => `CREATE TABLE t${i} (a);`).join("")} COMMIT`,
      "1001 tables",
    ],
    ["too long a schema", `CREATE TABLE t (a /* ${"x".repeat(5_000_000)} */)`, "The schema takes 50"],
  ])("%s", async (_, sql, message) => {
    const { id, path } = newTenant();
    makeDatabase(path, sql);
    expect(await failureOf(id)).toMatchObject({
      code: "schema-unsupported",
      message: expect.stringContaining(message),
    });
  });

  it("text kept as UTF-16", async () => {
    const { id, path } = newTenant();
    makeDatabase(path, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES ('é')");
    expect((await failureOf(id)).code).toBe("encoding-unsupported");
  });
});

describe("a forged file", () => {
  it("whose row is larger than is sent is refused", async () => {
    const { id, path } = newTenant();
    makeDatabase(path, "CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(110000000))");
    expect((await failureOf(id)).code).toBe("row-too-large");
  });

  it("whose pages lead to one another again and again is seen to be one", async () => {
    const { id, path } = newTenant();
    makeDatabase(
      path,
      "PRAGMA page_size = 4096; CREATE TABLE t (a); WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t SELECT hex(randomblob(20)) FROM n",
    );
    nestInteriorPages(path);
    expect(await failureOf(id)).toMatchObject({
      code: "database-damaged",
      message: expect.stringContaining("is in two places"),
    });
  });

  it("does nothing to its neighbours", async () => {
    const before = createHash("sha256").update(readFileSync(neighbour)).digest("hex");
    const [header] = await agent.changes("neighbour");
    expect(header?.type).toBe("header");
    expect(createHash("sha256").update(readFileSync(neighbour)).digest("hex")).toBe(before);
  });
});

/**
 * Makes every child of an interior page the next interior page, so that a few pages give billions of rows: the root
 * leads some hundred times to the second, that some hundred times to the third, and so on.
 */
function nestInteriorPages(path: string): void {
  const bytes = readFileSync(path);
  const pages: number[] = [];
  for (let page = 4096; page < bytes.length; page += 4096) if (bytes[page] === 5) pages.push(page);
  expect(pages.length).toBeGreaterThan(4);
  for (const [index, page] of pages.entries()) {
    const next = pages[index + 1];
    if (next === undefined) break;
    const child = next / 4096 + 1;
    bytes.writeUInt32BE(child, page + 8);
    for (let cell = 0; cell < bytes.readUInt16BE(page + 3); cell++)
      bytes.writeUInt32BE(child, page + bytes.readUInt16BE(page + 12 + 2 * cell));
  }
  writeFileSync(path, bytes);
}
