/**
 * Three of DESIGN's guarantees, each with a test that tries to break it. Each was seen to fail with its protection taken
 * away, in a copy:
 *
 * 1 equality: `Filling.end` of node/load.ts no longer throwing when `differences` finds some: the altered byte is
 *   committed as a success, and the checker says which row differs.
 * 3 nothing of a tenant is changed: `LIVE` of reader/source-database.ts as `?mode=rw`: the reader's last close brings
 *   the -wal into the file and removes it.
 * 8 no tenant waits for the cluster: agent/reader.ts keeping a read transaction on the source until its answer would
 *   have been taken: the reader never ends, and in rollback mode the writer's commits get "database is locked".
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { Rig } from "./rig.ts";

const WRITER = new URL("../../support/webui-writer.ts", import.meta.url).pathname;

let rig: Rig;
const writers: ChildProcess[] = [];
beforeAll(async () => {
  rig = await Rig.start(12);
});
afterEach(() => {
  for (const writer of writers.splice(0)) writer.kill("SIGKILL");
});
afterAll(() => rig?.[Symbol.asyncDispose]());

describe("guarantee 1: a sync that is reported verified means equality", () => {
  test("a byte that changes on its way is never committed, at a first sync and at a later one", async () => {
    const { id, path } = rig.newTenant();
    createWebuiDatabase(path, { schema: "v0.5.20-legacy", journal: "wal" });
    using source = new DatabaseSync(path);
    for (const title of ["the first title", "another title"]) {
      source.prepare("UPDATE chat SET title = ?").run(title);
      await expect(rig.sync(id, { what: "altered", from: title, to: title.toUpperCase() })).rejects.toThrow(
        /The replica is not equal: chat has \d+ rows of other content/,
      );
      await rig.sync(id);
      await rig.requireEqual(id, path);
    }
  });
});

/**
 * What can be seen of a directory's files, a line each. Not their ctime: as root SQLite gives an -shm or a journal that it
 * opens the owner it has already; a read-only mount, as the agent has it, refuses that.
 */
const look = (directory: string): string[] =>
  readdirSync(directory).map((name) => {
    const path = join(directory, name);
    const { ino, mode, uid, size, nlink, mtimeMs } = statSync(path);
    const hash = createHash("sha256").update(readFileSync(path)).digest("hex");
    return [name, ino, mode, uid, size, nlink, mtimeMs, hash].join(" ");
  });

describe("guarantee 3: the agent changes nothing of a tenant's data", () => {
  /** Leaves a database as an application in some state would. */
  const STATES: [
    string,
    "wal" | "rollback",
    (source: DatabaseSync, path: string) => DatabaseSync | undefined,
  ][] = [
    ["stopped, WAL", "wal", (source) => void source.close()],
    ["running, WAL", "wal", (source) => source],
    ["killed, WAL", "wal", (source, path) => void keepAsKilled(source, path, ["-wal", "-shm"])],
    ["killed, WAL, the -shm gone", "wal", (source, path) => void keepAsKilled(source, path, ["-wal"])],
    ["stopped, rollback journal", "rollback", (source) => void source.close()],
    ["running, rollback journal", "rollback", (source) => source],
    [
      "killed in a transaction, rollback journal",
      "rollback",
      (source, path) => void keepAsKilled(source, path, ["-journal"]),
    ],
  ];

  test.each(STATES)("%s", async (_, journal, leave) => {
    const { id, path } = rig.newTenant();
    createWebuiDatabase(path, { schema: "v0.5.20-legacy", journal, chats: 50 });
    const source = new DatabaseSync(path);
    source.exec("PRAGMA cache_size = 1; UPDATE chat SET title = 'committed'");
    const open = leave(source, path);
    const directory = dirname(path);
    const before = look(directory);
    // A file that was just touched may be answered with the word to come again.
    await until("the tenant is synced", () => rig.sync(id));
    await rig.sync(id);
    expect(look(directory)).toEqual(before);
    open?.close();
  });

  /** Puts in place what a kill -9 leaves: the files as they are in the middle of a transaction. */
  function keepAsKilled(source: DatabaseSync, path: string, endings: string[]): void {
    source.exec("BEGIN; UPDATE chat SET title = 'never committed'");
    const kept = ["", ...endings].filter((ending) => existsSync(path + ending));
    for (const ending of kept) copyFileSync(path + ending, `${path}.killed${ending}`);
    source.exec("ROLLBACK");
    source.close();
    for (const ending of kept) copyFileSync(`${path}.killed${ending}`, path + ending);
  }
});

describe("guarantee 8: a tenant goes on, whatever becomes of the cluster", () => {
  test.each(["wal", "rollback"] as const)(
    "beside a node that takes nothing of an answer, then dies, and an agent that dies (%s)",
    async (journal) => {
      const { id, path } = rig.newTenant();
      // More than the sockets between agent and node hold.
      createWebuiDatabase(path, { schema: "v0.5.20-legacy", journal, megabytes: 40 });
      const commits = startWriter(path);
      const goesOn = async (while_: string) => {
        const from = commits.count;
        await until(`40 commits ${while_}`, () => {
          if (commits.ended) throw new Error(`the writer ended ${while_}`);
          return commits.count > from + 40;
        });
      };
      await goesOn("before anything happens");
      const answer = await rig.agent.ask(id);
      answer.on("error", () => {});
      await goesOn("beside a node that takes nothing");
      await until("the reader has ended, though nobody takes what it read", () => {
        if (commits.ended) throw new Error("the writer ended");
        return rig.agent.readers === 0;
      });
      await goesOn("when everything was read and nothing was taken");
      answer.destroy();
      await goesOn("when that node is gone");
      const again = await rig.agent.ask(id);
      again.on("error", () => {});
      await rig.agent.stop("SIGKILL");
      await goesOn("when the agent is gone");
      await rig.agent.run();
    },
  );

  function startWriter(path: string): { readonly count: number; readonly ended: boolean } {
    const writer = spawn(process.execPath, [WRITER, path], { stdio: ["pipe", "pipe", "inherit"] });
    writers.push(writer);
    const seen = { count: 0, ended: false };
    createInterface({ input: writer.stdout }).on("line", () => {
      seen.count++;
    });
    writer.once("exit", () => {
      seen.ended = true;
    });
    return seen;
  }
});
