import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Message } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess, messagesOf } from "../../support/agent-process.ts";

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
  const database = new DatabaseSync(join(agent.tenant("acme"), "webui.db"));
  // A database whose reader takes a moment, and nothing that could be compressed.
  database.exec(`
    PRAGMA synchronous = OFF;
    PRAGMA journal_mode = WAL;
    CREATE TABLE large (bytes BLOB);
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
    INSERT INTO large SELECT randomblob(500000) FROM n;
  `);
  database.close();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** Bytes in the spool of snapshots. */
function spooledBytes(): number {
  const spool = agent.path("state", "spool");
  const sizes = readdirSync(spool).map((name) => statSync(join(spool, name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Begins to read an answer, and stops its reader when some of it lies in the spool. */
async function askAndStopReader() {
  const read: Message[] = [];
  const response = await agent.ask("acme");
  const reading = (async () => {
    for await (const message of messagesOf(response)) read.push(message);
  })();
  await expect.poll(() => agent.readers, { interval: 2 }).toBe(1);
  const [reader] = agent.readerPids as [number];
  process.kill(reader, "SIGSTOP");
  while (spooledBytes() < 8_000_000) {
    process.kill(reader, "SIGCONT");
    await setTimeout(2);
    process.kill(reader, "SIGSTOP");
  }
  return { read, reading, reader };
}

describe("a snapshot", () => {
  it("is sent while it is read, and whole only when its reader has ended", async () => {
    const { read, reading, reader } = await askAndStopReader();
    await expect.poll(() => read.filter(({ type }) => type === "rows").length).toBeGreaterThan(5);
    expect(read[0]?.type).toBe("header");
    expect(agent.readers).toBe(1);
    process.kill(reader, "SIGCONT");
    await reading;
    expect(read.at(-1)).toMatchObject({ type: "manifest", manifest: { tables: [{ rows: 120 }] } });
  });

  it("counts for nothing when its reader broke, and is said to", async () => {
    const { read, reading, reader } = await askAndStopReader();
    process.kill(reader, "SIGKILL");
    await reading;
    expect(read.find(({ type }) => type === "rows")).toBeDefined();
    expect(read.at(-1)).toMatchObject({ type: "error", error: { code: "reader-failed" } });
    await expect.poll(spooledBytes).toBe(0);
  });
});
