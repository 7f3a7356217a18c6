import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AgentProcess } from "../../support/agent-process.ts";
import { WebuiApplication } from "../../support/webui-application.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let id: string;
let path: string;
let source: DatabaseSync;
let application: WebuiApplication;

beforeAll(async () => {
  rig = await Rig.start(40);
});
afterAll(async () => {
  source?.close();
  await rig?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  source?.close();
  ({ id, path } = rig.newTenant());
  createWebuiDatabase(path, { schema: "v0.5.20-legacy", journal: "wal", chats: 50, odd: true });
  source = new DatabaseSync(path);
  application = new WebuiApplication(source);
  await synced();
});

/** A sync that has to succeed at once, and to be equal. */
async function synced(): Promise<void> {
  await rig.sync(id);
  await rig.requireEqual(id, path);
}

/** At most one loud failure, then equal. */
async function syncedWithOneRetry(): Promise<void> {
  await rig.syncWithin(id, 2);
  await rig.requireEqual(id, path);
}

/** Less than what would look like a loss. */
function work(): void {
  application.begin();
  application.say();
  application.retitle();
  application.removeChat();
}

const state = () => rig.agent.path("state");
const stateFiles = () =>
  readdirSync(state(), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** Changes the agent's state while it is stopped. */
async function withAgentStopped(change: () => void): Promise<void> {
  await rig.agent.stop("SIGKILL");
  change();
  await rig.agent.run();
}

describe("the agent's memory", () => {
  test.each<[string, (file: string) => void]>([
    ["is lost", (file) => rmSync(file)],
    ["is cut short", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["is emptied", (file) => truncateSync(file, 0)],
    ["has one bit flipped in its middle", (file) => flip(file, 0.5)],
    ["has one bit flipped near its end", (file) => flip(file, 0.95)],
    ["is full of other bytes", (file) => writeFileSync(file, Buffer.alloc(statSync(file).size, 0xa5))],
  ])("%s: the replica is equal after the next sync, or after one retry", async (_, damage) => {
    work();
    await withAgentStopped(() => {
      for (const file of stateFiles()) damage(file);
    });
    await syncedWithOneRetry();
    work();
    await synced();
  });

  test("is an older copy, twice", async () => {
    const older = `${state()}-older`;
    cpSync(state(), older, { recursive: true });
    for (let round = 0; round < 2; round++) {
      work();
      await synced();
      await withAgentStopped(() => {
        rmSync(state(), { recursive: true });
        cpSync(older, state(), { recursive: true });
      });
      work();
      await syncedWithOneRetry();
    }
    rmSync(older, { recursive: true });
  });

  test("is an older copy, and what was written since was taken back", async () => {
    const older = `${state()}-older`;
    const [chat] = source.prepare("SELECT id, title FROM chat WHERE typeof(title) = 'text' LIMIT 1").all();
    cpSync(state(), older, { recursive: true });
    source.prepare("UPDATE chat SET title = 'changed' WHERE id = ?").run(chat?.id as string);
    source
      .prepare(
        "INSERT INTO memory (id, user_id, content, updated_at, created_at) VALUES ('new', 'u', 'c', 1, 1)",
      )
      .run();
    await synced();
    source.prepare("UPDATE chat SET title = ? WHERE id = ?").run(chat?.title as string, chat?.id as string);
    source.exec("DELETE FROM memory WHERE id = 'new'");
    await withAgentStopped(() => {
      rmSync(state(), { recursive: true });
      cpSync(older, state(), { recursive: true });
    });
    rmSync(older, { recursive: true });
    await syncedWithOneRetry();
  });
});

test("Postgres was put back to an older state: the next sync makes it equal, or says so and one retry does", async () => {
  await rig.keepTarget();
  work();
  await synced();
  work();
  await synced();
  await rig.rollBackTarget();
  await syncedWithOneRetry();
  work();
  await synced();
});

describe("an acknowledgement that is lost", () => {
  const insert = () =>
    source.exec(
      "INSERT INTO memory (id, user_id, content, updated_at, created_at) VALUES ('brief', 'u', 'x', 1, 1)",
    );
  const remove = () => source.exec("DELETE FROM memory WHERE id = 'brief'");
  const held = async () =>
    (await rig.admin.query(`SELECT FROM tenant_${id}.memory WHERE id = 'brief'`)).rowCount;

  test("while nothing was committed, and the row is deleted before the next sync", async () => {
    insert();
    await expect(rig.sync(id, { what: "postgres", behind: 3 })).rejects.toThrow();
    remove();
    await synced();
    expect(await held()).toBe(0);
  });

  test("with the commit made, and the row is deleted before the next sync", async () => {
    const before = `${state()}-before`;
    cpSync(state(), before, { recursive: true });
    insert();
    await synced();
    expect(await held()).toBe(1);
    remove();
    // As if the agent had died before it kept what it offered.
    await withAgentStopped(() => {
      rmSync(state(), { recursive: true });
      cpSync(before, state(), { recursive: true });
    });
    rmSync(before, { recursive: true });
    await syncedWithOneRetry();
    expect(await held()).toBe(0);
  });

  test("again and again, while a row goes back and forth", async () => {
    const set = (title: string) => source.prepare("UPDATE chat SET title = ? WHERE rowid = 1").run(title);
    for (const title of ["one", "two", "one", "three", "two"]) {
      set(title);
      await expect(
        rig.sync(id, { what: title === "two" ? "agent" : "postgres", behind: 2 }),
      ).rejects.toThrow();
    }
    set("one");
    await synced();
    set("two");
    await synced();
    set("one");
    await synced();
  });
});

describe("a source that was restored from an old backup, under the same identity,", () => {
  test.each(["by a copy", "in place, its times restored too"])("%s", async (how) => {
    source.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const backup = `${path}.backup`;
    copyFileSync(path, backup);
    const { atime, mtime } = statSync(path);
    work();
    await synced();
    source.close();
    if (how === "by a copy") {
      rmSync(path);
      copyFileSync(backup, path);
    } else {
      writeFileSync(path, readFileSync(backup));
      utimesSync(path, atime, mtime);
    }
    rmSync(backup);
    await synced();
    source = new DatabaseSync(path);
    application = new WebuiApplication(source);
    work();
    await synced();
  });
});

test("two agents serve one tenant by mistake, now the one, now the other", async () => {
  await using other = await AgentProcess.start(undefined, {}, rig.agent);
  for (const agent of [other, rig.agent, rig.agent, other, rig.agent, other]) {
    work();
    await rig.sync(id, undefined, agent).catch(() => rig.sync(id, undefined, agent));
    await rig.requireEqual(id, path);
  }
});

describe("a disk that is full", () => {
  test("under the agent's state: an error that says so, and equal once there is room", async () => {
    application.begin(3_000_000);
    work();
    await withAgentStopped(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", state()]));
    try {
      await expect(rig.sync(id)).rejects.toThrow(/disk|space|full|interrupted|broke off/i);
    } finally {
      await rig.agent.stop("SIGKILL");
      execFileSync("umount", [state()]);
      mkdirSync(state(), { recursive: true });
      await rig.agent.run();
    }
    await synced();
    work();
    await synced();
  });
});

test("clocks an hour apart between agent and node", async () => {
  for (const hours of [-1, 1]) {
    const shift = `const real = Date.now; Date.now = () => real() + ${hours * 3_600_000}`;
    await rig.agent.stop();
    await rig.agent.run({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` });
    for (const journal of ["DELETE", "WAL"]) {
      source.exec(`PRAGMA journal_mode = ${journal}`);
      work();
      await synced();
      work();
      await synced();
    }
  }
  await rig.agent.stop();
  await rig.agent.run();
});

/** Flips one bit of a file, at a part of its length. */
function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  const place = Math.floor(bytes.length * at);
  if (bytes.length > 0) bytes[place] = (bytes[place] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}
