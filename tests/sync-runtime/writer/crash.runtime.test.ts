import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FAULT_VARIABLE, WRITER_FAULT_POINTS } from "../../../sync-runtime/fault-point.ts";
import type { WriteRequest } from "../../../sync-runtime/protocol/write.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { WriterProcess } from "../../support/writer-process.ts";

let writer: WriterProcess;
let path: string;
beforeAll(async () => {
  writer = await WriterProcess.start(["acme"]);
  path = writer.database("acme");
});
beforeEach(async () => {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
});
afterAll(() => writer[Symbol.asyncDispose]());

const journals = ["wal", "rollback"] as const;
const TITLES = "SELECT title FROM chat ORDER BY id";
const titles = (database: DatabaseSync) =>
  database
    .prepare(TITLES)
    .all()
    .map(({ title }) => title);

/** Has every chat renamed. */
function renameAll(known: KnownSource): WriteRequest {
  const ids = known.database.prepare("SELECT id FROM chat ORDER BY id").all();
  const changes = ids.map(({ id }) => {
    const row = known.row("chat", id as string) as Row;
    return known.change("chat", row, { ...row, title: "by an operator" });
  });
  return known.request(writer.identities.get("acme") as string, changes);
}

async function restart(environment: Record<string, string> = {}): Promise<void> {
  await writer.stop("SIGKILL");
  await writer.run(environment);
}

describe.each(journals)("in a database with the journal %s", (journal) => {
  it.each(WRITER_FAULT_POINTS)(
    "a kill at %s leaves all rows or none, and the same request ends it",
    async (point) => {
      createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal, chats: 40 });
      const known = new KnownSource(path);
      const before = titles(known.database);
      const request = renameAll(known);
      const after = before.map(() => "by an operator");
      const isAfterCommit = ["writer:committed", "writer:row-writer-ended"].includes(point);
      const isOfParent = ["writer:epoch-raised", "writer:row-writer-ended"].includes(point);
      await restart({ [FAULT_VARIABLE]: point });
      await expect(writer.write("acme", request)).rejects.toMatchObject({
        code: isOfParent ? "writer-unreachable" : isAfterCommit ? "outcome-unknown" : "write-stopped",
        isUncertain: isOfParent || isAfterCommit,
      });
      expect(titles(known.database)).toEqual(isAfterCommit ? after : before);
      // The application goes on at once.
      known.database.exec("UPDATE user SET name = 'of the application'");
      known[Symbol.dispose]();

      await restart();
      expect(await writer.write("acme", request)).toEqual(
        isAfterCommit ? { written: 0, already: 40 } : { written: 40, already: 0 },
      );
      const database = new DatabaseSync(path);
      expect(titles(database)).toEqual(after);
      expect(database.prepare("SELECT DISTINCT name FROM user").all()).toEqual([
        { name: "of the application" },
      ]);
      expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
      database.close();
    },
  );

  it("one that is stopped with the lock in its hand is ended, and the application can write", async () => {
    createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal, chats: 3 });
    using known = new KnownSource(path);
    const before = titles(known.database);
    const request = renameAll(known);
    await restart({ [FAULT_VARIABLE]: "writer:rows-written=stop" });
    await expect(writer.write("acme", request)).rejects.toMatchObject({
      code: "write-stopped",
      isUncertain: false,
      message: expect.stringContaining("longer than 5 s"),
    });
    expect(titles(known.database)).toEqual(before);
    known.database.exec("UPDATE user SET name = 'of the application'");
    await restart();
  });

  it("a full disk of the tenant is told, changes nothing, and is no matter once there is room", async () => {
    const directory = dirname(path);
    const identity = readFileSync(join(directory, ".owui-identity.json"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", directory]);
    try {
      writeFileSync(join(directory, ".owui-identity.json"), identity);
      const mode = journal === "wal" ? "WAL" : "DELETE";
      const database = new DatabaseSync(path);
      database.exec(
        `PRAGMA journal_mode = ${mode}; CREATE TABLE note (id TEXT PRIMARY KEY, body TEXT); INSERT INTO note VALUES ('a', 'A'), ('b', 'B')`,
      );
      database.close();
      using known = new KnownSource(path);
      const [a, b] = [known.row("note", "a") as Row, known.row("note", "b") as Row];
      const request = known.request(writer.identities.get("acme") as string, [
        known.change("note", a, { ...a, body: "small" }),
        known.change("note", b, { ...b, body: "large".repeat(200_000) }),
      ]);
      writeFileSync(join(directory, "filler"), Buffer.alloc(2_400_000));
      await expect(writer.write("acme", request)).rejects.toMatchObject({
        code: "disk-full",
        isUncertain: false,
      });
      expect(known.row("note", "a")).toEqual(a);
      expect(known.row("note", "b")).toEqual(b);
      rmSync(join(directory, "filler"));
      expect(await writer.write("acme", request)).toEqual({ written: 2, already: 0 });
    } finally {
      execFileSync("umount", ["-l", directory]);
    }
  });
});

it("a writer whose own disk is full writes nothing, since an older claim could come after it", async () => {
  createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal: "wal", chats: 1 });
  using known = new KnownSource(path);
  const request = renameAll(known);
  const full = writer.path("full");
  mkdirSync(full, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k,nr_inodes=1", "tmpfs", full]);
  try {
    writer.configure({ state: full });
    await restart();
    await expect(writer.write("acme", request)).rejects.toMatchObject({ code: "writer-failed" });
    expect(titles(known.database)).not.toContain("by an operator");
  } finally {
    writer.configure();
    await restart();
    execFileSync("umount", ["-l", full]);
  }
});
