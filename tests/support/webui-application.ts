import type { DatabaseSync } from "node:sqlite";
import { Random } from "./webui/random.ts";
import { WebuiRows } from "./webui/rows.ts";
import { markdown, shortText } from "./webui/text.ts";

/** What people do to a webui.db, by the names of {@link WebuiApplication}'s methods. */
export const ACTIONS = [
  "begin",
  "say",
  "say",
  "say",
  "retitle",
  "open",
  "archive",
  "tag",
  "file",
  "move",
  "rate",
  "forget",
  "removeChat",
] as const;

/**
 * Writes to a webui.db of any version as the application does, which is often not as one would expect: a message
 * rewrites the whole chat, a new title leaves `updated_at` alone, opening a chat may rewrite it, and what is deleted is
 * gone. Each method is one transaction unless the caller has begun one. What a version has no table for is not done.
 */
export class WebuiApplication {
  readonly #database: DatabaseSync;
  readonly #rows: WebuiRows;
  readonly #random: Random;
  #next: number;

  /** @param first number of the first chat or row it adds; the generator's begin at 0 */
  constructor(
    database: DatabaseSync,
    { seed = 1, first = 1_000_000 }: { seed?: number; first?: number } = {},
  ) {
    this.#database = database;
    this.#rows = new WebuiRows(database, `application ${seed}`, () => 5);
    this.#random = new Random("application", seed);
    this.#next = first;
  }

  /**
   * Does any one thing; gives its name.
   * @param large whether seldom that may be what touches many chats: an account goes, all of a person's are archived
   * @param losing whether it may be that something is deleted
   */
  act({ large = true, losing = true } = {}): string {
    const rare = large ? this.#random.below(200) : 2;
    if (rare === 0) return this.#do("removeAccount");
    if (rare === 1) return this.#do("archiveAll");
    const action = this.#random.pick(ACTIONS);
    return !losing && (action === "forget" || action === "removeChat") ? this.#do("say") : this.#do(action);
  }

  #do(action: (typeof ACTIONS)[number] | "removeAccount" | "archiveAll"): string {
    this[action]();
    return action;
  }

  /** A new chat. */
  begin(chatBytes = this.#random.logarithmic(2000, 30_000)): void {
    this.#rows.addChat(this.#next++, chatBytes);
  }

  /** One more question and answer: the whole JSON of the chat is written anew. */
  say(chat = this.#any("chat")): void {
    if (chat) this.#rows.continueChat(chat, this.#random, this.#random.logarithmic(200, 6000));
  }

  /** Leaves `updated_at` alone. */
  retitle(chat = this.#any("chat")): void {
    this.#run("UPDATE chat SET title = ? WHERE id = ?", shortText(this.#random), chat);
  }

  /** A GET that finds something to tidy up rewrites the JSON, other keys first, and nothing else. */
  open(chat = this.#any("chat")): void {
    const document = chat && this.#rows.document(chat);
    if (!document) return;
    this.#run(
      "UPDATE chat SET chat = ? WHERE id = ?",
      JSON.stringify({ opened: this.#next++, ...document }),
      chat,
    );
  }

  archive(chat = this.#any("chat")): void {
    this.#run("UPDATE chat SET archived = 1 - coalesce(archived, 0) WHERE id = ?", chat);
  }

  archiveAll(): void {
    this.#run(
      "UPDATE chat SET archived = 1 WHERE user_id = (SELECT user_id FROM chat WHERE id = ?)",
      this.#any("chat"),
    );
  }

  /** A tag, and its mention in the chat's meta. */
  tag(chat = this.#any("chat")): void {
    this.#rows.add("tag", this.#next++);
    const tags = JSON.stringify({ tags: [shortText(this.#random)] });
    if (this.#rows.columns("chat").some(({ name }) => name === "meta"))
      this.#run("UPDATE chat SET meta = ? WHERE id = ?", tags, chat);
  }

  /** A file was uploaded, or its contents became known. */
  file(): void {
    const file = this.#any("file");
    if (file && this.#random.chance(0.5)) {
      const data = JSON.stringify({ content: markdown(this.#random, 8000) });
      if (this.#rows.columns("file").some(({ name }) => name === "data"))
        this.#run("UPDATE file SET data = ? WHERE id = ?", data, file);
    } else this.#rows.add("file", this.#next++);
  }

  /** A person's chats go into one folder, all at once. */
  move(): void {
    if (!this.#rows.columns("chat").some(({ name }) => name === "folder_id")) return;
    const folder = this.#any("folder");
    this.#run(
      "UPDATE chat SET folder_id = ? WHERE user_id = (SELECT user_id FROM chat WHERE id = ?)",
      folder,
      this.#any("chat"),
    );
  }

  rate(): void {
    for (const table of ["feedback", "memory", "message"])
      if (this.#rows.has(table)) this.#rows.add(table, this.#next++);
  }

  forget(): void {
    for (const table of ["feedback", "memory", "tag"])
      if (this.#rows.has(table) && this.#random.chance(0.3))
        this.#run(
          `DELETE FROM "${table}" WHERE rowid IN (SELECT rowid FROM "${table}" WHERE id = ?)`,
          this.#any(table),
        );
  }

  removeChat(chat = this.#any("chat")): void {
    this.#together(() => {
      if (this.#rows.has("chat_message")) this.#run("DELETE FROM chat_message WHERE chat_id = ?", chat);
      this.#run("DELETE FROM chat WHERE id = ?", chat);
    });
  }

  /** An account goes with its chats; what else was its own stays behind as orphans. */
  removeAccount(user = this.#any("user")): void {
    this.#together(() => {
      this.#run("DELETE FROM chat WHERE user_id = ?", user);
      this.#run("DELETE FROM auth WHERE id = ?", user);
      this.#run('DELETE FROM "user" WHERE id = ?', user);
    });
  }

  /** The id of some row; null when there is none. */
  #any(table: string): string | null {
    if (!this.#rows.has(table)) return null;
    const [last] = this.#column(`SELECT max(rowid) FROM "${table}"`);
    const from = Math.floor(this.#random.next() * Number(last ?? 0));
    const [id] = this.#column(
      `SELECT id FROM "${table}" WHERE rowid > ? AND typeof(id) = 'text' LIMIT 1`,
      from,
    );
    return typeof id === "string" ? id : null;
  }

  #column(sql: string, ...parameters: number[]): unknown[] {
    return Object.values(this.#database.prepare(sql).get(...parameters) ?? {});
  }

  #run(sql: string, ...parameters: (string | null)[]): void {
    this.#database.prepare(sql).run(...parameters);
  }

  #together(work: () => void): void {
    const own = !this.#database.isTransaction;
    if (own) this.#database.exec("BEGIN IMMEDIATE");
    work();
    if (own) this.#database.exec("COMMIT");
  }
}
