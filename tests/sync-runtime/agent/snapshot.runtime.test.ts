import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../../../components/runtime-image/bundle.ts";
import type { Message } from "../../../sync-runtime/protocol/message.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { directoryBytes } from "../../support/directory-bytes.ts";
import { contentsOfFile, contentsOfMessages } from "../../support/table-contents.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { webuiSchemas } from "../../support/webui-schema.ts";

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
});
afterAll(() => agent[Symbol.asyncDispose]());

const headerOf = (messages: Message[]) => {
  const [first] = messages;
  if (first?.type !== "header") throw new Error(`A header was expected: ${JSON.stringify(first)}`);
  return first.header;
};

/** Open WebUI turned to WAL with 0.9. */
const usualJournal = (schema: string) => (/^v0\.[3-8]\./.test(schema) ? "rollback" : "wal");

describe("a snapshot", () => {
  it.each(webuiSchemas)("holds every row and value of a %s database", async (schema) => {
    const tenant = schema.replaceAll(".", "-");
    const directory = agent.tenant(tenant);
    createWebuiDatabase(join(directory, "webui.db"), { schema, journal: usualJournal(schema), odd: true });
    const before = directoryBytes(directory);

    const messages = await agent.changes(tenant);

    expect(directoryBytes(directory)).toEqual(before);
    const { contents, manifest } = contentsOfMessages(messages);
    expect(contents).toEqual(contentsOfFile(join(directory, "webui.db")));
    expect(messages.at(-1)).toMatchObject({ type: "manifest", manifest: { tables: manifest } });
  });

  it("says how tables are keyed, and leaves out by name what has no rows of its own", async () => {
    const directory = agent.tenant("shapes");
    const database = new DatabaseSync(join(directory, "webui.db"));
    database.exec(`
      CREATE TABLE single (id TEXT PRIMARY KEY, value);
      CREATE TABLE composite (a, b, c, PRIMARY KEY (c, a)) WITHOUT ROWID;
      CREATE TABLE only_unique (id TEXT NOT NULL, other TEXT NOT NULL, UNIQUE (id, other));
      CREATE UNIQUE INDEX shorter ON only_unique (other);
      CREATE UNIQUE INDEX partial ON only_unique (id) WHERE id > 'm';
      CREATE TABLE unique_but_nullable (id TEXT UNIQUE);
      CREATE TABLE derived (id INTEGER PRIMARY KEY AUTOINCREMENT, twice GENERATED ALWAYS AS (id * 2) VIRTUAL, kept AS (id) STORED);
      CREATE VIEW a_view AS SELECT * FROM single;
      CREATE VIRTUAL TABLE search USING fts5(body);
      INSERT INTO search VALUES ('text');
      INSERT INTO derived (id) VALUES (1);
    `);
    database.close();

    const { tables, skipped } = headerOf(await agent.changes("shapes"));

    expect(Object.fromEntries(tables.map(({ name, key }) => [name, key]))).toEqual({
      single: ["id"],
      composite: ["c", "a"],
      only_unique: ["other"],
      unique_but_nullable: null,
      derived: ["id"],
    });
    expect(tables.find(({ name }) => name === "derived")?.columns).toEqual([
      { name: "id", declared: "INTEGER" },
    ]);
    expect(tables.find(({ name }) => name === "only_unique")?.ddl).toContainEqual(
      expect.stringContaining("CREATE UNIQUE INDEX shorter"),
    );
    expect(skipped.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "a_view",
        "search",
        "search_data",
        "derived.twice",
        "derived.kept",
        "sqlite_sequence",
      ]),
    );
  });

  it("carries a long row that ends with an empty value", async () => {
    const path = join(agent.tenant("empty-end"), "webui.db");
    const database = new DatabaseSync(path);
    database.exec(
      "CREATE TABLE t (a, b); INSERT INTO t VALUES (zeroblob(300000), ''), (zeroblob(400000), x'')",
    );
    database.close();
    expect(contentsOfMessages(await agent.changes("empty-end")).contents).toEqual(contentsOfFile(path));
  });

  it("carries a row of 36 MB", async () => {
    const directory = agent.tenant("large");
    const path = join(directory, "webui.db");
    createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal: "wal", chats: 2, chatBytes: 36_000_000 });
    const { contents } = contentsOfMessages(await agent.changes("large"));
    expect(contents.chat).toEqual(contentsOfFile(path).chat);
  });

  it("is taken by the bundled programs as well, and leaves the agent small", async () => {
    const directory = await mkdtemp(join(tmpdir(), "bundle-"));
    await bundle(new URL("../../../sync-runtime", import.meta.url).pathname, directory);
    await using bundled = await AgentProcess.start(join(directory, "agent.mjs"));
    createWebuiDatabase(join(bundled.tenant("acme"), "webui.db"), {
      schema: "v0.11.3-fresh",
      journal: "rollback",
      chats: 2,
      chatBytes: 36_000_000,
    });
    expect((await bundled.changes("acme")).at(-1)?.type).toBe("manifest");
    // The memory is the reader's. From source the agent takes 30 MB more, for stripping types.
    const status = readFileSync(`/proc/${bundled.pid}/status`, "utf8");
    expect(Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1])).toBeLessThan(60_000);
    await rm(directory, { recursive: true });
  });

  it("is listed in the inventory and in the metrics", async () => {
    createWebuiDatabase(join(agent.tenant("listed"), "webui.db"), {
      schema: "v0.8.12-legacy",
      journal: "rollback",
    });
    agent.tenant("empty");
    await agent.changes("listed");

    const { tenants } = JSON.parse((await agent.get("/v1/inventory")).body);
    expect(tenants).toContainEqual(
      expect.objectContaining({
        id: "listed",
        identity: expect.objectContaining({ tenant: "listed" }),
        database: expect.objectContaining({
          exists: true,
          journal_mode: "rollback",
          bytes: expect.any(Number),
        }),
      }),
    );
    expect(tenants).toContainEqual(
      expect.objectContaining({
        id: "empty",
        database: { exists: false, bytes: 0, journal_mode: null, modified_at: null },
      }),
    );
    const { body } = await agent.get("/metrics");
    expect(body).toContain('agent_changes_total{client="listed",result="sent"} 1');
    expect(body).toMatch(/agent_database_bytes\{client="listed"\} \d{5,}/);
    expect(body).toMatch(/agent_reader_seconds_total\{client="listed"\} 0\.\d+/);
    expect(body).toMatch(/agent_reader_cpu_seconds_total\{client="listed"\} 0\.\d+/);
    expect(body).toMatch(/agent_reader_memory_peak_bytes\{client="listed"\} \d+/);
    expect(body).toMatch(/^agent_spool_bytes 0$/m);
    expect(body).toMatch(/^host_memory_available_bytes \d+/m);
    expect(body).toMatch(/^host_disk_total_bytes \d+/m);
    expect(body).toMatch(/^certificate_expires_timestamp_seconds\{certificate="urn:owui:agent:local"\} \d+/m);
  });
});
