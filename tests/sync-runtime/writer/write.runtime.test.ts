import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stopChild } from "../../support/child-process.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { webuiSchemas } from "../../support/webui-schema.ts";
import { WriterProcess } from "../../support/writer-process.ts";

const APPLICATION = new URL("../../support/webui-writer.ts", import.meta.url).pathname;

let writer: WriterProcess;
let identity: string;
beforeAll(async () => {
  writer = await WriterProcess.start(["acme"]);
  identity = writer.identities.get("acme") as string;
});
afterAll(() => writer[Symbol.asyncDispose]());

/** The tenant's database, made anew. */
function renew(options: Parameters<typeof createWebuiDatabase>[1]): string {
  const path = writer.database("acme");
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
  createWebuiDatabase(path, options);
  return path;
}

const pragma = ({ database }: KnownSource, name: string): unknown =>
  Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];

const chats = (known: KnownSource): Row[] =>
  known.database
    .prepare("SELECT id FROM chat ORDER BY id")
    .all()
    .map(({ id }) => known.row("chat", id as string) as Row);

describe.each(["wal", "rollback"] as const)("in a database with the journal %s", (journal) => {
  it.each(webuiSchemas)("changes, adds and deletes chats of %s, and does nothing twice", async (schema) => {
    using known = new KnownSource(renew({ schema, journal, chats: 3 }));
    const [changed, gone] = chats(known) as [Row, Row];
    const renamed: Row = { ...changed, title: "Plans for 2027 \u{1f308}" };
    const added: Row = { ...gone, id: "c-new" };
    const request = known.request(identity, [
      known.change("chat", undefined, added),
      known.change("chat", changed, renamed),
      known.change("chat", gone, undefined),
    ]);
    expect(await writer.write("acme", request)).toEqual({ written: 3, already: 0 });
    expect(known.row("chat", changed.id as string)).toEqual(renamed);
    expect(known.row("chat", "c-new")).toEqual(added);
    expect(known.row("chat", gone.id as string)).toBeUndefined();

    expect(await writer.write("acme", request)).toEqual({ written: 0, already: 3 });
    expect(pragma(known, "journal_mode")).toBe(journal === "wal" ? "wal" : "delete");
    expect(pragma(known, "integrity_check")).toBe("ok");
  });

  it("writes every value as it is, also those that no application should write", async () => {
    using known = new KnownSource(renew({ schema: "v0.11.3-fresh", journal, odd: true }));
    const rows = chats(known);
    const copies = rows.map((row) => known.change("chat", undefined, { ...row, id: `copy of ${row.id}` }));
    const keyed = { b: 7n, a: "z", c: "" };
    const odd = known.row("keyed", 1n, "x") as Row;
    const request = known.request(identity, [
      ...copies,
      known.change("keyed", undefined, keyed),
      known.change("keyed", odd, { ...odd, c: "\0" }),
    ]);
    expect(await writer.write("acme", request)).toEqual({ written: rows.length + 2, already: 0 });
    for (const row of rows) {
      const copy = known.row("chat", `copy of ${row.id}`);
      expect(known.digest("chat", copy && { ...copy, id: row.id ?? null })).toBe(known.digest("chat", row));
    }
    expect(known.row("keyed", 7n, "z")).toEqual(keyed);
  });

  it("writes beside an application that goes on writing, and neither loses anything", async () => {
    const path = renew({ schema: "v0.11.3-fresh", journal, chats: 10 });
    const application = spawn(process.execPath, [APPLICATION, path, "1"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(application.stdout, "data");
    let committed = 1;
    application.stdout.on("data", (data) => {
      committed += `${data}`.trim().split("\n").length;
    });
    const known = new KnownSource(path);
    const wanted = chats(known).map((row): [Row, Row] => [
      row,
      { ...row, title: `by an operator: ${row.id}` },
    ]);
    for (const [before, after] of wanted) {
      const request = known.request(identity, [known.change("chat", before, after)]);
      const answer = await writer.write("acme", request);
      expect(answer).toEqual({ written: 1, already: 0 });
    }
    const before = statSync(path);
    const files = ["-wal", "-shm"].filter((suffix) => existsSync(path + suffix));
    expect(files).toEqual(journal === "wal" ? ["-wal", "-shm"] : []);
    for (const suffix of files)
      expect(statSync(path + suffix)).toMatchObject({ mode: before.mode, uid: before.uid, gid: before.gid });
    application.stdin.end("\n");
    await once(application, "exit");
    for (const [, after] of wanted) expect(known.row("chat", after.id as string)).toEqual(after);
    const count = "SELECT (SELECT count(*) FROM chat) AS chats, sum(amount) AS sum FROM balance";
    expect(known.database.prepare(count).get()).toMatchObject({ sum: 1_000_000n });
    const added = known.database.prepare("SELECT amount FROM balance WHERE id = 'b'").get();
    expect(Number(added?.amount)).toBeGreaterThanOrEqual(committed);
    expect(pragma(known, "integrity_check")).toBe("ok");
    known[Symbol.dispose]();
    await stopChild(application, "SIGKILL");
  });
});

describe("the -wal of an application", () => {
  it("is not brought into the database while the application runs", async () => {
    const path = renew({ schema: "v0.11.3-fresh", journal: "wal", chats: 3 });
    using known = new KnownSource(path);
    known.database.exec("PRAGMA wal_autocheckpoint = 0; UPDATE chat SET title = 'of the application'");
    const [wal, file] = [statSync(`${path}-wal`), statSync(path)];
    const [row] = chats(known) as [Row];
    const request = known.request(identity, [known.change("chat", row, { ...row, title: "by an operator" })]);
    expect(await writer.write("acme", request)).toEqual({ written: 1, already: 0 });
    expect(statSync(path).mtimeMs).toBe(file.mtimeMs);
    expect(statSync(`${path}-wal`).ino).toBe(wal.ino);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(wal.size);
  });

  it("that was killed is taken in: what it had committed is what rows are compared with", async () => {
    const path = renew({ schema: "v0.11.3-fresh", journal: "wal", chats: 3 });
    const application = spawn(process.execPath, [APPLICATION, path, "1"]);
    await once(application.stdout, "data");
    await stopChild(application, "SIGKILL");
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const reading = new KnownSource(path);
    const balance = reading.row("balance", "b") as Row;
    expect(Number(balance.amount)).toBeGreaterThan(0);
    const after = { ...balance, amount: (balance.amount as bigint) + 5n };
    const request = reading.request(identity, [reading.change("balance", balance, after)]);
    reading[Symbol.dispose]();
    expect(await writer.write("acme", request)).toEqual({ written: 1, already: 0 });
    const database = new DatabaseSync(path, { readBigInts: true });
    expect(database.prepare("SELECT amount FROM balance WHERE id = 'b'").get()).toEqual({
      amount: after.amount,
    });
    database.close();
  });
});
