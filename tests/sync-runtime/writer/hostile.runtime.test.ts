import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WriteRequest } from "../../../sync-runtime/protocol/write.ts";
import { ROW_WRITER_LIMITS, runRowWriter } from "../../../sync-runtime/writer/row-writer-process.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { WriterProcess } from "../../support/writer-process.ts";

let writer: WriterProcess;
let path: string;
let neighbour: string;
let request: WriteRequest;

const SCHEMA = "CREATE TABLE note (id TEXT PRIMARY KEY, title TEXT); INSERT INTO note VALUES ('a', 'A')";

function make(at: string, sql: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"])
    rmSync(at + suffix, { force: true, recursive: true });
  const database = new DatabaseSync(at);
  database.exec(sql);
  database.close();
}

/** What a table of the neighbour, which looks the same, holds. */
const title = (at: string): unknown => {
  const database = new DatabaseSync(at);
  const row = database.prepare("SELECT title FROM note WHERE id = 'a'").get();
  database.close();
  return row?.title;
};

beforeAll(async () => {
  writer = await WriterProcess.start(["acme", "neighbour"]);
  path = writer.database("acme");
  neighbour = writer.database("neighbour");
});
afterAll(() => writer[Symbol.asyncDispose]());

/** Both tenants' databases anew, and a request that fits either. */
function renew(journal: "WAL" | "DELETE" = "WAL"): void {
  for (const at of [path, neighbour]) make(at, `PRAGMA journal_mode = ${journal}; ${SCHEMA}`);
  using known = new KnownSource(path);
  const row = known.row("note", "a") as Row;
  const change = known.change("note", row, { ...row, title: "by an operator" });
  request = known.request(writer.identities.get("acme") as string, [change]);
}
beforeEach(() => renew());

describe("a tenant that replaced its database file", () => {
  it.each<[string, () => void, string]>([
    ["by a link to the neighbour's", () => symlinkSync(neighbour, path), "database-not-regular"],
    ["by a link to a file of the host", () => symlinkSync("/etc/passwd", path), "database-not-regular"],
    ["by a pipe that nobody writes to", () => execFileSync("mkfifo", [path]), "database-not-regular"],
    ["by a directory", () => mkdirSync(path), "database-not-regular"],
    ["by garbage", () => writeFileSync(path, Buffer.alloc(100_000, "garbage")), "database-damaged"],
    ["by nothing at all", () => writeFileSync(path, ""), "database-damaged"],
    [
      "by its first page",
      () => writeFileSync(path, readFileSync(neighbour).subarray(0, 4096)),
      "database-damaged",
    ],
    ["and has none", () => {}, "database-missing"],
  ])("%s gets an error of its own", async (_, replace, code) => {
    rmSync(path);
    replace();
    await expect(writer.write("acme", request)).rejects.toMatchObject({ code, isUncertain: false });
    expect(title(neighbour)).toBe("A");
    rmSync(path, { force: true, recursive: true });
  });

  it.each<[string, "WAL" | "DELETE"]>([
    ["-wal", "WAL"],
    ["-shm", "WAL"],
    ["-journal", "DELETE"],
  ])(
    "has a %s that links to the neighbour's, and the neighbour's stays as it was",
    async (suffix, journal) => {
      renew(journal);
      const victim = join(dirname(neighbour), "victim");
      writeFileSync(victim, "of the neighbour");
      symlinkSync(victim, path + suffix);
      await expect(writer.write("acme", request)).rejects.toMatchObject({ isUncertain: false });
      await expect(runDirect()).rejects.toThrow();
      expect(readFileSync(victim, "utf8")).toBe("of the neighbour");
      rmSync(path + suffix);
      expect(title(path)).toBe("A");
    },
  );

  it("swaps file and link while it is written: the neighbour's is never changed", async () => {
    renameSync(path, `${path}.own`);
    symlinkSync(neighbour, `${path}.link`);
    let writing = true;
    const swapping = (async () => {
      for (let turn = 0; writing; turn++) {
        rmSync(`${path}.next`, { force: true });
        if (turn % 2) symlinkSync(neighbour, `${path}.next`);
        else linkSync(`${path}.own`, `${path}.next`);
        renameSync(`${path}.next`, path);
        await setImmediate();
      }
    })();
    const codes = new Set<string>();
    for (let round = 0; round < 10; round++)
      codes.add(
        await runDirect().then(
          () => "written",
          ({ code }) => code,
        ),
      );
    writing = false;
    await swapping;
    expect(title(neighbour)).toBe("A");
    for (const code of codes) expect(code).toMatch(/^(written|database-|source-changed)/);
    for (const suffix of ["", ".own", ".link"]) rmSync(path + suffix, { force: true });
  });
});

/** One row writer without the writer that looks at the path before. */
function runDirect(limits = ROW_WRITER_LIMITS) {
  const task = {
    database: path,
    identityFile: join(dirname(path), ".owui-identity.json"),
    tenant: "acme",
    request,
  };
  return runRowWriter(task, new AbortController().signal, limits);
}

describe("a row writer", () => {
  it("that a hostile schema keeps busy is ended, and the application has its lock back", async () => {
    // Compares ten million zeros with each place of twenty million.
    const slow = "instr(hex(zeroblob(10000000)), hex(zeroblob(5000000)) || title) = 0";
    make(path, `CREATE TABLE note (id TEXT PRIMARY KEY, title TEXT CHECK (${slow}))`);
    const forged = new DatabaseSync(path);
    forged.exec("PRAGMA ignore_check_constraints = ON; INSERT INTO note VALUES ('a', 'A')");
    forged.close();
    using known = new KnownSource(path);
    const row = known.row("note", "a") as Row;
    request = known.request(writer.identities.get("acme") as string, [
      known.change("note", row, { ...row, title: "by an operator" }),
    ]);
    const limits = { ...ROW_WRITER_LIMITS, holdMilliseconds: 300 };
    await expect(runDirect(limits)).rejects.toMatchObject({
      code: "write-stopped",
      message: expect.stringContaining("longer than 0.3 s"),
    });
    known.database.exec("PRAGMA ignore_check_constraints = ON; UPDATE note SET title = 'of the application'");
    expect(title(path)).toBe("of the application");
  });

  it("that needs too much memory is ended", async () => {
    const limits = { ...ROW_WRITER_LIMITS, memoryBytes: 10_000_000 };
    const application = new DatabaseSync(path);
    application.exec("BEGIN IMMEDIATE");
    await expect(runDirect(limits)).rejects.toMatchObject({
      code: "write-stopped",
      message: expect.stringContaining("bytes of memory"),
    });
    application.close();
    expect(title(path)).toBe("A");
  });

  it("of one tenant waits for nothing of another's", async () => {
    const application = new DatabaseSync(path);
    application.exec("BEGIN IMMEDIATE");
    const held = expect(writer.write("acme", request)).rejects.toMatchObject({ code: "busy" });
    const other = { ...request, identity: writer.identities.get("neighbour") as string };
    expect(await writer.write("neighbour", other)).toEqual({ written: 1, already: 0 });
    await held;
    application.close();
    expect(title(neighbour)).toBe("by an operator");
  });
});
