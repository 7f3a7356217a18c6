import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Message } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess, messagesOf } from "../../support/agent-process.ts";
import { contentsOfMessages } from "../../support/table-contents.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";

let agent: AgentProcess;
let path: string;
beforeAll(async () => {
  agent = await AgentProcess.start();
  path = join(agent.tenant("acme"), "webui.db");
  createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal: "wal" });
  // More than the sockets between agent and node hold, and nothing that could be compressed.
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE large (bytes BLOB);
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
    INSERT INTO large SELECT randomblob(1000000) FROM n;
  `);
  database.close();
});
beforeEach(async () => {
  if ((await agent.get("/health").catch(() => undefined)) === undefined) await agent.run();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** What a whole, fresh answer of the agent has to be. */
async function expectWholeSnapshot(): Promise<void> {
  const messages = await agent.changes("acme");
  const { manifest } = contentsOfMessages(messages);
  expect(messages.at(-1)).toMatchObject({ type: "manifest", manifest: { tables: manifest } });
  expect(manifest).toContainEqual(expect.objectContaining({ name: "large", rows: 16 }));
}

const spooled = () => readdirSync(agent.path("state", "spool"));

describe("an answer that is broken off", () => {
  it("by kill -9 of the agent counts for nothing, and the next one is whole", async () => {
    const response = await agent.ask("acme");
    const read: Message[] = [];
    const reading = (async () => {
      for await (const message of messagesOf(response)) read.push(message);
    })();
    await expect.poll(() => read.length).toBeGreaterThan(0);
    response.pause();
    // Expected from now on: the connection may break before the agent's end is noticed.
    const broken = expect(reading).rejects.toThrow();
    await agent.stop("SIGKILL");
    response.resume();
    await broken;
    expect(read.map(({ type }) => type)).not.toContain("manifest");
    expect(spooled()).not.toEqual([]);

    await agent.run();
    expect(spooled()).toEqual([]);
    await expectWholeSnapshot();
  });

  it("by the node frees the tenant and the disk for the next one", async () => {
    const response = await agent.ask("acme");
    response.destroy();
    await expectWholeSnapshot();
    await expect.poll(spooled).toEqual([]);
  });

  it("by the node while the database is still read stops the reader", async () => {
    const response = await agent.ask("acme");
    const readers = () => agent.readers;
    await expect.poll(readers, { interval: 5 }).toBe(1);
    response.destroy();
    await expect.poll(readers, { interval: 5 }).toBe(0);
    await expect.poll(spooled).toEqual([]);
    await expectWholeSnapshot();
  });
});

describe("two nodes that ask for one tenant at once", () => {
  it("are not both served: the second is told to come again", async () => {
    const first = await agent.ask("acme");
    const second = await agent.ask("acme");
    expect(second.statusCode).toBe(409);
    expect(second.headers["retry-after"]).toBe("5");
    second.resume();
    const messages = await Array.fromAsync(messagesOf(first));
    expect(messages.at(-1)?.type).toBe("manifest");
    await expectWholeSnapshot();
  });
});

describe("SIGTERM", () => {
  it("lets a running answer end, takes no new one, and ends the agent with 0", async () => {
    const response = await agent.ask("acme");
    const stopped = agent.stop("SIGTERM");
    const messages = await Array.fromAsync(messagesOf(response));
    expect(messages.at(-1)?.type).toBe("manifest");
    expect(await stopped).toBe(0);
    await expect(agent.get("/health")).rejects.toThrow();
    expect(agent.log.at(-1)).toMatchObject({ msg: "server stopped" });
  });
});
