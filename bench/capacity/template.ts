import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Header, Manifest, Message, SourceTable } from "../../sync-runtime/protocol/message.ts";
import { ValueCursor } from "../../sync-runtime/protocol/value.ts";
import { AgentProcess } from "../../tests/support/agent-process.ts";
import { createWebuiDatabase } from "../../tests/support/webui-database.ts";

/** Chats of one tenant; every other table has five rows. */
const CHATS = 10;

/** A tenant's database as an agent sends it whole: what every simulated tenant has. Rows in base64. */
export interface Template {
  header: Header;
  tables: { name: string; rows: string[] }[];
  manifest: Manifest;
  /** The row that simulated applications change. */
  changing: { table: SourceTable; title: number; values: string[] };
}

/** Has a real agent read a small database, and writes what it sent into a file. */
export async function writeTemplate(path: string): Promise<Template> {
  await using agent = await AgentProcess.start();
  const database = join(agent.tenant("template"), "webui.db");
  createWebuiDatabase(database, { schema: "v0.11.3-fresh", journal: "wal", chats: CHATS });
  const template = templateOf(await agent.changes("template"));
  writeFileSync(path, JSON.stringify(template));
  return template;
}

function templateOf(messages: Message[]): Template {
  const tables: Template["tables"] = [];
  let header: Header | undefined;
  let manifest: Manifest | undefined;
  let changing: Template["changing"] | undefined;
  for (const message of messages) {
    if (message.type === "header") header = message.header;
    if (message.type === "manifest") manifest = message.manifest;
    if (message.type === "table") tables.push({ name: message.table.name, rows: [] });
    if (message.type !== "rows") continue;
    tables.at(-1)?.rows.push(message.bytes.toString("base64"));
    if (message.table.name === "chat") changing ??= changingRow(message.table, message.bytes);
  }
  if (!header || !manifest || !changing) throw new Error("The agent sent no whole database with a chat.");
  return { header, tables, manifest, changing };
}

/** The first row, value by value. */
function changingRow(table: SourceTable, rows: Buffer): Template["changing"] {
  const cursor = new ValueCursor(rows);
  const values = table.columns.map(() => {
    cursor.next();
    return cursor.canonical.toString("base64");
  });
  return { table, title: table.columns.findIndex(({ name }) => name === "title"), values };
}
