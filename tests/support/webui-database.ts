import { createHash } from "node:crypto";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { webuiSchemaSql } from "./webui-schema.ts";

/** What kind of webui.db is wanted. */
export interface WebuiDatabaseOptions {
  /** One of {@link webuiSchemas}. */
  schema: string;
  /** WAL is what 0.9 and later use, a rollback journal what earlier ones do. */
  journal: "wal" | "rollback";
  /** Chats; every other table gets a few rows. Default 20. */
  chats?: number;
  /** Bytes of JSON in one chat, about. Default 6,000; one turn is 10 KB, a hundred turns 1 MB. */
  chatBytes?: number;
  /** Adds rows that no application should write and SQLite keeps. */
  odd?: boolean;
}

/** Tables whose moments are nanoseconds since 1970, beyond 2^53; all others count seconds. */
const NANOSECOND_TABLES =
  /^(channel|channel_member|channel_webhook|message|message_reaction|note|pinned_note|automation|automation_run|calendar|calendar_event|calendar_event_attendee)$/;
const EPOCH_SECONDS = 1_763_700_000n;

interface Column {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}

/** Makes a webui.db as Open WebUI of one version leaves it, with contents that depend on the options alone. */
export function createWebuiDatabase(path: string, options: WebuiDatabaseOptions): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(
    `PRAGMA journal_mode = ${options.journal === "wal" ? "WAL" : "DELETE"}; PRAGMA synchronous = OFF;`,
  );
  database.exec(`BEGIN; ${webuiSchemaSql(options.schema)}`);
  for (const table of tablesOf(database)) {
    const count = table === "chat" ? (options.chats ?? 20) : table === "alembic_version" ? 1 : 5;
    for (let row = 0; row < count; row++) insertRow(database, table, row, options.chatBytes ?? 6000);
  }
  if (options.odd) addOddRows(database);
  database.exec("COMMIT");
  database.close();
}

/** Adds `count` chats from `first` on; what an application's writes look like to a reader. */
export function addChats(database: DatabaseSync, first: number, count: number, chatBytes = 6000): void {
  for (let row = first; row < first + count; row++) insertRow(database, "chat", row, chatBytes);
}

function tablesOf(database: DatabaseSync): string[] {
  const rows = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return rows.map(({ name }) => name as string);
}

function insertRow(database: DatabaseSync, table: string, row: number, chatBytes: number): void {
  const columns = database.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info(?)`).all(table);
  const values = (columns as unknown as Column[]).map((column) => valueFor(table, column, row, chatBytes));
  database.prepare(`INSERT INTO "${table}" VALUES (${values.map(() => "?").join(", ")})`).run(...values);
}

/** A value as the application would write it, by the column's name and declared type. */
function valueFor(
  table: string,
  { name, type, notnull, pk }: Column,
  row: number,
  chatBytes: number,
): SQLInputValue {
  if (table === "chat" && name === "chat") return chatJson(row, chatBytes);
  if (/^INTEGER/.test(type) && pk > 0) return BigInt(row + 1);
  // Every fifth value that may be missing is.
  if (!notnull && pk === 0 && (row + name.length) % 5 === 0) return null;
  if (/BOOL/.test(type) || /^(active|archived|is_active|is_global)$/.test(name)) return BigInt(row % 2);
  if (/JSON/.test(type))
    return JSON.stringify({ [name]: { row, note: "grüße 👋 \u0000 end" }, list: [1, null, true] });
  if (/INT/.test(type) || (table === "chat" && type === "DATETIME"))
    return NANOSECOND_TABLES.test(table)
      ? (EPOCH_SECONDS + BigInt(row)) * 1_000_000_000n + 123_456_789n
      : EPOCH_SECONDS + BigInt(row);
  if (/DATE/.test(type)) return `2025-11-21 12:00:${String(row).padStart(2, "0")}`;
  if (name === "email") return `user${row}@example.org`;
  return pk > 0 || name.endsWith("id") ? uuid(table, name, row) : `${table} ${name} ${row} – "quoted", it's`;
}

/** A conversation of about the wanted size. */
function chatJson(row: number, bytes: number): string {
  const turns = Math.max(1, Math.round(bytes / 1000));
  const messages = Array.from({ length: turns }, (_, turn) => ({
    id: uuid("message", String(turn), row),
    role: turn % 2 === 0 ? "user" : "assistant",
    content: `Turn ${turn}: ${createHash("sha512").update(`${row} ${turn}`).digest("base64").repeat(9)}`,
    timestamp: Number(EPOCH_SECONDS) + turn,
  }));
  return JSON.stringify({ title: `Chat ${row}`, models: ["gpt-oss"], history: { messages } });
}

/** A UUID that depends on its place alone. */
function uuid(...place: (string | number)[]): string {
  const hex = createHash("sha256").update(place.join("/")).digest("hex");
  return [8, 4, 4, 4, 12]
    .reduce<[string[], number]>(
      ([parts, at], length) => [[...parts, hex.slice(at, at + length)], at + length],
      [[], 0],
    )[0]
    .join("-");
}

/** Values in columns that declare something else, and values that are easily lost on the way. */
function addOddRows(database: DatabaseSync): void {
  const odd = (id: string, expression: string) =>
    database.exec(
      `INSERT INTO chat (id, user_id, title, archived, created_at, updated_at, chat, meta)
       VALUES ('${id}', 'u', ${expression}, 0, 1, 1, ${expression}, '{}')`,
    );
  odd("text-with-nul", "CAST(x'610062' AS TEXT)");
  odd("text-not-utf8", "CAST(x'c328ff' AS TEXT)");
  odd("text-surrogate", "CAST(x'eda080' AS TEXT)");
  odd("text-replacement", "'\ufffd'");
  odd("blob", "x'00ff'");
  odd("blob-empty", "x''");
  odd("text-empty", "''");
  odd("json-null", "'null'");
  odd("json-bad", "'{NaN'");
  odd("integer", "9223372036854775807");
  odd("integer-least", "-9223372036854775807 - 1");
  odd("real", "0.1");
  odd("real-minus-zero", "-0.0");
  odd("real-infinite", "9e999");
  odd("real-minus-infinite", "-9e999");
  odd("real-least", "5e-324");
  database.exec(`
    UPDATE chat SET archived = 'yes', created_at = 1.5, updated_at = '2025-11-21' WHERE id = 'blob';
    UPDATE chat SET archived = 2 WHERE id = 'real';
    CREATE TABLE "odd ""table""; DROP" ("a""b" TEXT, "Ünïcode 𐐷" INTEGER, plain, "select" BLOB);
    INSERT INTO "odd ""table""; DROP" VALUES (NULL, 1, -0.0, x'01'), (NULL, 1, -0.0, x'01'), ('', 'x', x'', NULL);
    CREATE TABLE keyed (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
    INSERT INTO keyed VALUES ('x', 1, NULL), ('y', 1, 'z');
  `);
}
