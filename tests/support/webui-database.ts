import { DatabaseSync } from "node:sqlite";
import { Random } from "./webui/random.ts";
import { WebuiRows } from "./webui/rows.ts";
import { webuiSchemaSql } from "./webui-schema.ts";

/** What kind of webui.db is wanted. The same options give the same rows. */
export interface WebuiDatabaseOptions {
  /** One of {@link webuiSchemas}. */
  schema: string;
  /** WAL is what 0.9 and later use, a rollback journal what earlier ones do. */
  journal: "wal" | "rollback";
  /** Chats; every other table gets a few rows. Default 20. */
  chats?: number;
  /** Instead of `chats`: how large the file is to be, about; the other tables grow with it. */
  megabytes?: number;
  /**
   * Bytes of JSON in one chat, about; one turn is 10 KB, a hundred turns 1 MB. Of a span the small ones are as many as
   * the large ones in each power of two. Default 6,000; with `megabytes` 2,000 to 100,000, 25 KB in the mean.
   */
  chatBytes?: number | { least: number; most: number };
  /** Rows of tables that are to have other numbers of them, such as `{ tag: 500_000 }`. */
  rows?: Readonly<Record<string, number>>;
  /** Another one gives other contents. */
  seed?: number | string;
  /** Adds rows that no application should write and SQLite keeps. */
  odd?: boolean;
}

/** Rows of other tables for each chat, in a database that is sized; at least five. */
const ROWS_PER_CHAT: Readonly<Record<string, number>> = {
  user: 0.02,
  auth: 0.02,
  tag: 0.2,
  chatidtag: 0.5,
  file: 0.1,
  chat_file: 0.05,
  folder: 0.05,
  feedback: 0.2,
  memory: 0.2,
  message: 0.5,
  message_reaction: 0.1,
};
const LEAST_ROWS = 5;
/** Tables that are filled together. */
const WITH_CHATS = ["chat", "chat_message"];

/** Makes a webui.db as Open WebUI of one version leaves it: a stopped application, everything in the one file. */
export function createWebuiDatabase(path: string, options: WebuiDatabaseOptions): void {
  const { schema, journal, megabytes, seed = 1 } = options;
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  // Without a journal a large file is written once only.
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
  const sql = webuiSchemaSql(schema);
  database.exec(`BEGIN; ${sql}`);
  const chats = options.chats ?? (megabytes ? Math.ceil((megabytes * 1e6) / 40_000) : 20);
  const counts = (table: string): number =>
    options.rows?.[table] ??
    (megabytes ? Math.max(LEAST_ROWS, Math.ceil(chats * (ROWS_PER_CHAT[table] ?? 0))) : LEAST_ROWS);
  const rows = new WebuiRows(database, seed, (table) => (table === "chat" ? chats : counts(table)));
  for (const table of tablesOf(database)) {
    if (WITH_CHATS.includes(table)) continue;
    if (table === "alembic_version") addHead(database, sql);
    else for (let row = 0; row < counts(table); row++) rows.add(table, row);
  }
  writeChats(database, rows, { ...options, chats });
  if (options.odd) addOddRows(database);
  database.exec(`COMMIT; PRAGMA journal_mode = ${journal === "wal" ? "WAL" : "DELETE"}`);
  database.close();
}

/** Adds `count` chats from `first` on; what an application's writes look like to a reader. */
export function addChats(database: DatabaseSync, first: number, count: number, chatBytes = 6000): void {
  const rows = new WebuiRows(database, 1, () => LEAST_ROWS);
  for (let row = first; row < first + count; row++) rows.addChat(row, chatBytes);
}

/** As many chats as were asked for, or as fill the file. */
function writeChats(
  database: DatabaseSync,
  rows: WebuiRows,
  options: WebuiDatabaseOptions & { chats: number },
): void {
  const { megabytes, chats, seed = 1 } = options;
  const size = options.chatBytes ?? (megabytes ? { least: 2000, most: 100_000 } : 6000);
  const random = new Random(seed, "sizes");
  const next = () => (typeof size === "number" ? size : random.logarithmic(size.least, size.most));
  if (!megabytes) {
    for (let row = 0; row < chats; row++) rows.addChat(row, next());
    return;
  }
  const [pages] = Object.values(database.prepare("PRAGMA page_count").get() ?? {});
  let left = megabytes * 1e6 - Number(pages) * 4096;
  // A row also takes a part of a page, and its keys stand in indexes.
  for (let row = 0; left > 0; row++) left -= 1.22 * rows.addChat(row, next()) + 600;
}

function tablesOf(database: DatabaseSync): string[] {
  const rows = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return rows.map(({ name }) => name as string);
}

/** The migration that the schema's file names as its last. */
function addHead(database: DatabaseSync, sql: string): void {
  const [, head = "unknown"] = /alembic head (\w+)/.exec(sql) ?? [];
  database.prepare("INSERT INTO alembic_version VALUES (?)").run(head);
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
