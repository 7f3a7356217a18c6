import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { directoryBytes } from "../../support/directory-bytes.ts";
import { contentsOfFile, contentsOfMessages } from "../../support/table-contents.ts";
import { addChats, createWebuiDatabase } from "../../support/webui-database.ts";

const WRITER = new URL("../../support/webui-writer.ts", import.meta.url).pathname;

let agent: AgentProcess;
const writers: ChildProcess[] = [];
beforeAll(async () => {
  agent = await AgentProcess.start();
});
afterEach(() => {
  for (const writer of writers.splice(0)) writer.kill("SIGKILL");
});
afterAll(() => agent[Symbol.asyncDispose]());

/** A tenant's database, made and closed. */
function makeDatabase(tenant: string, journal: "wal" | "rollback"): string {
  const path = join(agent.tenant(tenant), "webui.db");
  createWebuiDatabase(path, { schema: "v0.11.3-legacy", journal, chats: 200 });
  return path;
}

/** An application that writes to it, running when this resolves. */
async function startWriter(path: string): Promise<ChildProcess> {
  const writer = spawn(process.execPath, [WRITER, path], { stdio: ["pipe", "pipe", "inherit"] });
  writers.push(writer);
  await once(writer.stdout as NodeJS.ReadableStream, "data");
  return writer;
}

/** What the agent answers once the files' times prove that nobody writes to them. */
async function changesAtRest(tenant: string): Promise<Message[]> {
  for (;;) {
    const messages = await agent.changes(tenant);
    if (failureOf(messages)?.code !== "database-moved") return messages;
    await setTimeout(200);
  }
}

/** Copies a database in the middle of a transaction that has been written to the file in part. */
function leaveHotJournal(path: string, to: string): void {
  const database = new DatabaseSync(path);
  // A cache this small writes pages of the open transaction to the file.
  database.exec("PRAGMA cache_size = 1; BEGIN; UPDATE chat SET title = 'not committed'");
  for (const suffix of ["", "-journal"]) copyFileSync(path + suffix, to + suffix);
  expect(readFileSync(to).includes("not committed")).toBe(true);
  database.exec("ROLLBACK");
  database.close();
}

/** What was said last: rows that came before an error count for nothing. */
function failureOf(messages: Message[]) {
  const last = messages.at(-1);
  return last?.type === "error" ? last.error : undefined;
}

describe.each(["wal", "rollback"] as const)("a database in %s mode", (journal) => {
  it("gives one consistent snapshot after the other while an application writes", async () => {
    const path = makeDatabase(`live-${journal}`, journal);
    const writer = await startWriter(path);
    let chats = 0;
    for (let round = 0; round < 4; round++) {
      const { contents, manifest } = contentsOfMessages(await agent.changes(`live-${journal}`));
      const amounts = (contents.balance ?? []).map((row) => BigInt(`0x${row.slice(-16)}`));
      expect(amounts.reduce((sum, amount) => sum + amount, 0n)).toBe(1_000_000n);
      // Every transaction adds one chat and one to the second balance: both are of one moment.
      expect(BigInt((contents.chat ?? []).length - 200)).toBe(
        1_000_000n - (amounts.find((amount) => amount > 500_000n) ?? 0n),
      );
      const { rows } = manifest.find(({ name }) => name === "chat") ?? { rows: 0 };
      expect(rows).toBeGreaterThan(chats);
      chats = rows;
    }
    expect(writer.exitCode).toBeNull();
  });

  it("is read whole, and not changed, after its application was killed", async () => {
    const path = makeDatabase(`killed-${journal}`, journal);
    const writer = await startWriter(path);
    writer.kill("SIGKILL");
    await once(writer, "exit");
    const before = directoryBytes(dirname(path));
    const messages = await changesAtRest(`killed-${journal}`);
    expect(directoryBytes(dirname(path))).toEqual(before);
    expect(contentsOfMessages(messages).contents).toEqual(contentsOfFile(path));
  });
});

describe("a database in WAL mode", () => {
  it("is read after a clean shutdown, when neither -wal nor -shm is there", async () => {
    const path = makeDatabase("settled", "wal");
    const writer = await startWriter(path);
    expect(existsSync(`${path}-wal`)).toBe(true);
    writer.stdin?.write("close\n");
    await once(writer, "exit");
    expect(existsSync(`${path}-wal`)).toBe(false);

    const { contents } = contentsOfMessages(await agent.changes("settled"));

    expect(existsSync(`${path}-wal`) || existsSync(`${path}-shm`)).toBe(false);
    expect(contents).toEqual(contentsOfFile(path));
  });

  it("is not taken for whole when its application came back while it was read", async () => {
    const path = makeDatabase("woken", "wal");
    const asked = agent.changes("woken");
    await expect.poll(() => agent.readers, { interval: 2 }).toBe(1);
    const application = new DatabaseSync(path);
    addChats(application, 500, 1);
    expect(failureOf(await asked)?.code).toBe("database-moved");
    expect(failureOf(await agent.changes("woken"))).toBeUndefined();
    application.close();
  });

  it("is read while its -wal, never checkpointed, is far larger than the file", async () => {
    const path = makeDatabase("huge-wal", "wal");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF");
    const chats = database.prepare("UPDATE chat SET title = title || '.'");
    for (let turn = 0; turn < 60; turn++) chats.run();
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(5 * statSync(path).size);
    const { contents } = contentsOfMessages(await agent.changes("huge-wal"));
    database.close();
    expect(contents).toEqual(contentsOfFile(path));
  });

  it("is read with its -wal, and not changed, when the -shm was removed", async () => {
    const path = makeDatabase("abandoned", "wal");
    const database = new DatabaseSync(path);
    addChats(database, 500, 1);
    const left = join(agent.tenant("abandoned-copy"), "webui.db");
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, left + suffix);
    database.close();
    const before = directoryBytes(dirname(left));

    const messages = await changesAtRest("abandoned-copy");

    expect(directoryBytes(dirname(left))).toEqual(before);
    const { contents } = contentsOfMessages(messages);
    expect(contents.chat).toHaveLength(201);
    expect(contents).toEqual(contentsOfFile(path));
    expect(readdirSync(agent.path("state", "spool"))).toEqual([]);
  });

  it("is left alone when its -wal was removed from beside a -shm: commits may have been in it", async () => {
    const path = makeDatabase("incomplete", "wal");
    writeFileSync(`${path}-shm`, Buffer.alloc(32768));
    expect(failureOf(await agent.changes("incomplete"))).toMatchObject({
      code: "wal-incomplete",
      remedy: expect.stringContaining("Put the -wal file back"),
    });
  });
});

describe("a database in rollback mode", () => {
  it("is read as before a transaction that was never committed, and not changed", async () => {
    const path = makeDatabase("hot", "rollback");
    const left = join(agent.tenant("hot-copy"), "webui.db");
    leaveHotJournal(path, left);
    const before = directoryBytes(dirname(left));

    const messages = await changesAtRest("hot-copy");

    expect(directoryBytes(dirname(left))).toEqual(before);
    expect(contentsOfMessages(messages).contents).toEqual(contentsOfFile(path));
    expect(readdirSync(agent.path("state", "spool"))).toEqual([]);
  });

  it("is left alone when that transaction was over several files", async () => {
    const path = makeDatabase("several", "rollback");
    const left = join(agent.tenant("several-copy"), "webui.db");
    leaveHotJournal(path, left);
    appendFileSync(`${left}-journal`, Buffer.from("d9d505f920a163d7", "hex"));
    expect(failureOf(await changesAtRest("several-copy"))).toMatchObject({
      code: "journal-hot",
      message: expect.stringContaining("several files"),
      remedy: expect.stringContaining("Start the tenant"),
    });
  });

  it.each(["link", "pipe"])("is left alone when its journal is a %s", async (kind) => {
    const path = makeDatabase(`journal-${kind}`, "rollback");
    if (kind === "link") symlinkSync("/etc/passwd", `${path}-journal`);
    else execFileSync("mkfifo", [`${path}-journal`]);
    expect(failureOf(await agent.changes(`journal-${kind}`))?.code).toBe("database-not-regular");
  });

  it("is busy while a writer holds it, and only then", async () => {
    const path = makeDatabase("held", "rollback");
    const database = new DatabaseSync(path);
    database.exec("BEGIN EXCLUSIVE");
    expect(failureOf(await agent.changes("held"))?.code).toBe("database-busy");
    database.exec("ROLLBACK");
    expect(failureOf(await agent.changes("held"))).toBeUndefined();
    database.close();
  });
});
