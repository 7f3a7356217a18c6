import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentProcess, messagesOf } from "../../support/agent-process.ts";
import { addChats, createWebuiDatabase } from "../../support/webui-database.ts";

const journals = ["wal", "rollback"] as const;
let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
  // Made first and asked for last: by then their times are old enough to be trusted.
  for (const journal of journals) makeDatabase(`idle-${journal}`, journal);
  makeDatabase("replaced", "rollback");
});
afterAll(() => agent[Symbol.asyncDispose]());

/** A new tenant's database. */
function makeDatabase(id: string, journal: "wal" | "rollback"): string {
  const path = join(agent.tenant(id), "webui.db");
  createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal });
  return path;
}

/**
 * Asks, as a node that commits everything, until the agent says unchanged: a file closed just now is not trusted by
 * its times until they are two seconds old.
 */
async function untilUnchanged(id: string): Promise<string> {
  for (let committed: string | null = null; ; ) {
    const { type, sync } = await ask(id, committed);
    if (type === "unchanged") return sync;
    committed = sync;
  }
}

interface Answer {
  type: "unchanged" | "full" | "delta";
  sync: string;
  generation: number;
}

/** What the agent answers: `unchanged`, or the mode and generation of a snapshot. */
async function ask(id: string, committed: string | null): Promise<Answer> {
  const messages = await agent.changes(id, committed);
  const [first] = messages;
  if (first?.type === "unchanged") return { type: "unchanged", sync: first.unchanged.sync, generation: 0 };
  if (first?.type !== "header") throw new Error(JSON.stringify(first));
  return { type: first.header.mode, sync: first.header.sync, generation: first.header.generation };
}

describe("a database in WAL mode", () => {
  it("is answered as changed after every commit of a running application", async () => {
    const path = makeDatabase("running", "wal");
    const application = new DatabaseSync(path);
    let committed: string | null = null;
    for (let chat = 1000; chat < 1005; chat++) {
      addChats(application, chat, 1);
      const answer = await ask("running", committed);
      expect(answer.type).toBe(committed ? "delta" : "full");
      committed = answer.sync;
      expect(await ask("running", committed)).toMatchObject({ type: "unchanged", sync: committed });
    }
    application.close();
  });
});

describe("a database in rollback mode", () => {
  it("is not trusted by its times alone while they are fresh", async () => {
    const later = new Date(Date.now() + 60_000);
    utimesSync(makeDatabase("fresh", "rollback"), later, later);
    const first = await ask("fresh", null);
    // The same file, the same times: a write within their resolution could look like this.
    expect(await ask("fresh", first.sync)).toMatchObject({ type: "delta" });
  });
});

describe("a sync that was offered and is held", () => {
  it("needs to be sent no second time while nothing is written, and stays neither committed nor dropped", async () => {
    const path = makeDatabase("held", "wal");
    const application = new DatabaseSync(path);
    addChats(application, 1000, 1);
    const { sync: committed } = await ask("held", null);
    expect(await ask("held", committed)).toMatchObject({ type: "unchanged" });
    addChats(application, 2000, 1);
    const { sync: offered } = await ask("held", committed);
    const stillHeld = async (held: string) => {
      const [first] = await Array.fromAsync(
        messagesOf(await agent.ask("held", committed, undefined, { held })),
      );
      return first?.type === "unchanged" ? first.unchanged.sync : first?.type;
    };
    expect(await stillHeld(offered)).toBe(offered);
    expect(await stillHeld(offered)).toBe(offered);
    addChats(application, 3000, 1);
    expect(await stillHeld(offered)).toBe("header");
    expect(await ask("held", committed)).toMatchObject({ generation: 1 });
    expect(await stillHeld(committed)).toBe("header");
    application.close();
  });
});

describe("the sync that a node says it committed", () => {
  it("goes on in its generation when it is the last or the one before, and begins a new one otherwise", async () => {
    const id = "generations";
    const path = makeDatabase(id, "wal");
    const application = new DatabaseSync(path);
    const write = () => addChats(application, Math.floor(Math.random() * 1e9), 1);
    write();
    const first = await ask(id, null);
    expect(first.generation).toBe(1);
    write();
    const second = await ask(id, first.sync);
    expect(second).toMatchObject({ type: "delta", generation: 1 });
    // The node did not commit the second: it asks again from the first.
    const again = await ask(id, first.sync);
    expect(again).toMatchObject({ type: "delta", generation: 1 });
    // It committed the second after all, or the store is older than the target: that one is known no more.
    expect(await ask(id, second.sync)).toMatchObject({ type: "full", generation: 2 });
    // The target lost everything.
    expect(await ask(id, null)).toMatchObject({ type: "full", generation: 3 });
    application.close();
  });

  it("is remembered across a restart, and a lost memory costs a full sync only", async () => {
    const id = "remembered";
    const path = makeDatabase(id, "wal");
    const application = new DatabaseSync(path);
    addChats(application, 1000, 1);
    const { sync } = await ask(id, null);
    expect(await ask(id, sync)).toMatchObject({ type: "unchanged" });

    await agent.stop();
    await agent.run();
    expect(await ask(id, sync)).toMatchObject({ type: "unchanged" });

    await agent.stop("SIGKILL");
    for (const file of readdirSync(agent.path("state", "records")))
      writeFileSync(agent.path("state", "records", file), '{"torn');
    await agent.run();
    expect(await ask(id, sync)).toMatchObject({ type: "full", generation: 1 });
    application.close();
  });

  it("is not taken for another identity's", async () => {
    const id = "identity";
    const path = makeDatabase(id, "wal");
    const application = new DatabaseSync(path);
    addChats(application, 1000, 1);
    const { sync } = await ask(id, null);
    agent.tenant(id); // writes a new identity
    expect(await ask(id, sync)).toMatchObject({ type: "full", generation: 2 });
    application.close();
  });
});

describe.each(journals)("a closed database in %s mode", (journal) => {
  it("is answered as unchanged without a reader until a commit, and as changed behind it", async () => {
    const id = `idle-${journal}`;
    const path = agent.path("tenants", id, "data", "webui.db");
    const sync = await untilUnchanged(id);
    const snapshots = () => agent.log.filter(({ msg }) => msg === "snapshot was taken").length;
    const before = snapshots();
    const rows = expect.any(Number);
    expect(await agent.changes(id, sync)).toEqual([
      { type: "unchanged", unchanged: { sync, tables: 43, rows } },
    ]);
    expect(snapshots()).toBe(before);

    const database = new DatabaseSync(path);
    database.exec("UPDATE user SET name = 'Somebody'");
    database.close();
    expect(await ask(id, sync)).toMatchObject({ type: "delta", generation: 1 });
  });
});

describe("a closed database", () => {
  it("is answered as changed when another file of the same bytes took its place", async () => {
    const path = agent.path("tenants", "replaced", "data", "webui.db");
    const sync = await untilUnchanged("replaced");
    const bytes = readFileSync(path);
    rmSync(path);
    writeFileSync(path, bytes);
    utimesSync(path, new Date(0), new Date(0));
    expect(await ask("replaced", sync)).toMatchObject({ type: "delta" });
  });
});
