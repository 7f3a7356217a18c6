import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { addTurn, type ChatDocument, type ChatMessage, chatDocument, MODELS } from "./chat-document.ts";
import { Random, uuidOf } from "./random.ts";
import { markdown, shortText } from "./text.ts";

/** Tables whose moments are nanoseconds since 1970, beyond 2^53; all others count seconds. */
const NANOSECOND_TABLES =
  /^(channel|channel_member|channel_webhook|message|message_reaction|note|pinned_note|automation|automation_run|calendar|calendar_event|calendar_event_attendee)$/;
const EPOCH_SECONDS = 1_763_700_000n;

/** Which table a column names a row of; the application does not see to it that the row is there. */
const REFERENCES: readonly [RegExp, string][] = [
  [/^(user_id|archived_by|deleted_by|updated_by|invited_by|pinned_by)$/, "user"],
  [/^(chat|file|folder|channel|group|knowledge|note|prompt|calendar|automation)_id$/, ""],
  [/^event_id$/, "calendar_event"],
  [/^directory_id$/, "knowledge_directory"],
  [/^(message_id|reply_to_id)$/, "message"],
];

/** Columns that mean the same as an INTEGER in files born under 0.9.5 and as a BOOLEAN in later ones. */
const TRUTH_VALUES = /^(active|archived|is_active|is_global)$/;
/** Everyday values of columns that hold one of a few words. */
const WORDS: Record<string, readonly string[]> = {
  role: ["user", "admin", "pending"],
  permission: ["read", "write"],
  resource_type: ["knowledge", "model", "prompt", "tool"],
  principal_type: ["user", "group"],
  status: ["active", "success", "error"],
  type: ["rating", "context", "filter", "dm"],
  timezone: ["Europe/Berlin", "America/New_York"],
  provider: ["google", "oidc"],
  tag_name: ["work", "code", "größer", "reise"],
};

interface Column {
  name: string;
  type: string;
  notnull: number;
  pk: number;
}

/** Writes rows of one database, in the application's way, to whatever version's tables it has. */
export class WebuiRows {
  readonly #database: DatabaseSync;
  readonly #seed: number | string;
  readonly #tables = new Map<string, { columns: Column[]; run(values: SQLInputValue[]): void }>();
  /** How many rows a table is going to have: what references are drawn from. */
  readonly #counts: (table: string) => number;

  constructor(database: DatabaseSync, seed: number | string, counts: (table: string) => number) {
    this.#database = database;
    this.#seed = seed;
    this.#counts = counts;
  }

  has(table: string): boolean {
    return this.columns(table).length > 0;
  }

  columns(table: string): Column[] {
    return this.#table(table).columns;
  }

  /** One row of any table but chats: the same row for the same number. A row that some constraint refuses is left out. */
  add(table: string, row: number, set: Record<string, SQLInputValue> = {}): void {
    const { columns, run } = this.#table(table);
    const random = new Random(this.#seed, table, row);
    run(columns.map((column) => set[column.name] ?? this.#value(table, column, row, random)));
  }

  /** A chat, and its messages where the version keeps them in a table too; gives the bytes of what was written, about. */
  addChat(row: number, chatBytes: number): number {
    const document = chatDocument(new Random(this.#seed, "conversation", row), chatBytes);
    const json = JSON.stringify(document);
    const id = uuidOf("chat", "id", row);
    const current = document.history.currentId;
    const set = { id, chat: json, title: document.title, ...(current && { current_message_id: current }) };
    this.add("chat", row, set);
    return json.length + this.addMessages(id, Object.values(document.history.messages));
  }

  /** Rows of chat_message for messages of a chat; gives their bytes, about. */
  addMessages(chat: string, messages: readonly ChatMessage[]): number {
    if (!this.has("chat_message")) return 0;
    let bytes = 0;
    for (const { id, role, parentId, content, model } of messages) {
      const set = { id: `${chat}-${id}`, chat_id: chat, role, content: JSON.stringify(content) };
      const more = { parent_id: parentId && `${chat}-${parentId}`, model_id: (model as string) ?? null };
      this.add("chat_message", bytes, {
        ...set,
        ...more,
        output: null,
        files: null,
        sources: null,
        embeds: null,
      });
      bytes += content.length + 300;
    }
    return bytes;
  }

  /** A chat's JSON, where it is some. */
  document(id: string): ChatDocument | undefined {
    const readable = "SELECT chat FROM chat WHERE id = ? AND typeof(chat) = 'text' AND json_valid(chat)";
    const found = this.#database.prepare(readable).get(id);
    return found && JSON.parse(found.chat as string);
  }

  /** A chat went on: its whole JSON is written anew, as the application does at every message. */
  continueChat(id: string, random: Random, characters: number): void {
    const document = this.document(id);
    if (!document?.history) return;
    const added = addTurn(document, random, characters);
    this.#database
      .prepare("UPDATE chat SET chat = ?, updated_at = updated_at + 1 WHERE id = ?")
      .run(JSON.stringify(document), id);
    this.addMessages(id, added);
  }

  #table(name: string) {
    const known = this.#tables.get(name);
    if (known) return known;
    const columns = this.#database
      .prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?)')
      .all(name) as unknown as Column[];
    const insert = name === "chat" ? "INSERT" : "INSERT OR IGNORE";
    const sql = `${insert} INTO "${name}" VALUES (${columns.map(() => "?").join(", ")})`;
    const statement = columns.length > 0 ? this.#database.prepare(sql) : undefined;
    const table = { columns, run: (values: SQLInputValue[]) => void statement?.run(...values) };
    this.#tables.set(name, table);
    return table;
  }

  /** A value as the application would write it, by the column's name and declared type. */
  #value(table: string, { name, type, notnull, pk }: Column, row: number, random: Random): SQLInputValue {
    if (/^INTEGER/.test(type) && pk > 0) return BigInt(row + 1);
    if (name === "id" && (table === "user" || table === "auth")) return uuidOf("user", "id", row);
    if (name === "id" && table === "tag") return `${shortText(random).replaceAll(" ", "_")}_${row}`;
    if (name === "id" && table === "model") return `${random.pick(MODELS)}-${row}`;
    if (name === "id" || (pk > 0 && name !== "user_id"))
      return pk > 0 && name !== "id" ? `${table}.${row}` : uuidOf(table, name, row);
    // Every fifth value that may be missing is.
    if (!notnull && pk === 0 && (row + name.length) % 5 === 0) return null;
    const [, target] = REFERENCES.find(([pattern]) => pattern.test(name)) ?? [];
    if (target !== undefined) return this.#reference(target || name.slice(0, -"_id".length), row, random);
    if (/^(parent|share|base_model|version)_id$|_path$/.test(name)) return notnull ? uuidOf(name, row) : null;
    if (/BOOL/.test(type) || TRUTH_VALUES.test(name)) return BigInt(random.below(2));
    if (/JSON/.test(type) || /^(params|specs|valves)$/.test(name)) return json(table, name, row, random);
    if (/INT/.test(type) || (table === "chat" && type === "DATETIME")) return moment(table, row);
    if (type === "DATE") return `19${String(random.below(90) + 10)}-11-21`;
    if (/DATE/.test(type)) return `2025-11-21 12:${String(random.below(60)).padStart(2, "0")}:00`;
    return text(table, name, row, random);
  }

  #reference(table: string, row: number, random: Random): string {
    const count = Math.max(1, this.#counts(table));
    return uuidOf(table, "id", table === "user" ? row % count : random.below(count));
  }
}

/** Numbers of rows may be as large as a clock; nanoseconds have to stay within 64 bits. */
const moment = (table: string, row: number): bigint => {
  const seconds = EPOCH_SECONDS + BigInt(row % 100_000_000);
  return NANOSECOND_TABLES.test(table) ? seconds * 1_000_000_000n + 123_456_789n : seconds;
};

function json(table: string, name: string, row: number, random: Random): string {
  const note = `${shortText(random)} \u0000 end`;
  const value =
    table === "file" && name === "data"
      ? { content: markdown(random, random.logarithmic(200, 20_000)), status: "completed" }
      : { [name]: { row, note }, list: [1, null, true, random.next()] };
  // Python's json.dumps, which most rows pass through, puts spaces and escapes what is not ASCII.
  return random.chance(0.5) ? JSON.stringify(value) : JSON.stringify(value, null, 1).replaceAll("\n", "");
}

function text(table: string, name: string, row: number, random: Random): string {
  if (name === "email") return `user${row}@example.org`;
  if (name === "password") return `$2b$12$${random.uuid()}${random.uuid().slice(0, 16)}`;
  if (/^(key|token|hash|access_token)$/.test(name))
    return `sk-${uuidOf(table, name, row).replaceAll("-", "")}`;
  const words = WORDS[name];
  if (words) return random.pick(words);
  if (name === "content") return markdown(random, random.logarithmic(50, 4000));
  return `${shortText(random)} ${row}`;
}
