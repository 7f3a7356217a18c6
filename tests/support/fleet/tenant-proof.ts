import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import type { Fleet } from "./fleet.ts";
import type { Session } from "./tenant-client.ts";

/** Columns that every version has, and nobody's visit changes; read the same by SQLite and Postgres. */
const questions = [
  `SELECT id, user_id, title, CAST(chat AS text) AS chat, CAST(created_at AS text) AS created_at,
    CAST(archived AS integer) AS archived FROM chat`,
  `SELECT id, name, email, role, CAST(created_at AS text) AS created_at FROM "user"`,
  "SELECT id, user_id, filename, path, CAST(created_at AS text) AS created_at FROM file",
];

/** What must hold of a tenant whatever became of an operation on it. */
export class TenantProof {
  readonly #fleet: Fleet;
  readonly #tenant: string;
  readonly #session: Session;

  private constructor(fleet: Fleet, tenant: string, session: Session) {
    this.#fleet = fleet;
    this.#tenant = tenant;
    this.#session = session;
  }

  /** Signs in once: Open WebUI lets one address in fifteen times in three minutes, and a token outlives what is tried here. */
  static async of(fleet: Fleet, tenant: string): Promise<TenantProof> {
    return new TenantProof(fleet, tenant, await fleet.signIn(tenant));
  }

  /** The tenant's directory on its host. */
  get home(): string {
    return join(this.#fleet.root, "tenants", this.#tenant);
  }

  get session(): Session {
    return this.#session;
  }

  /** A hash over every chat, user and file that a database has, and the bytes of each upload. */
  contents(folder = "data"): string {
    using database = new DatabaseSync(join(this.home, folder, "webui.db"), { readOnly: true });
    return this.#hash(questions.map((question) => database.prepare(question).all()));
  }

  /** The same of a Postgres: equal where it was filled with all that the file holds. */
  async contentsOn(postgres: { query(text: string): Promise<Record<string, unknown>[]> }): Promise<string> {
    return this.#hash(await Promise.all(questions.map((question) => postgres.query(question))));
  }

  #hash(tables: Record<string, unknown>[][]): string {
    const hash = createHash("sha256");
    // Where each database sorts by a collation of its own.
    for (const rows of tables) hash.update(JSON.stringify(rows.map((row) => JSON.stringify(row)).sort()));
    const uploads = join(this.home, "data/uploads");
    for (const name of existsSync(uploads) ? readdirSync(uploads).sort() : [])
      hash.update(name).update(readFileSync(join(uploads, name)));
    return hash.digest("hex");
  }

  /** Ids of the chats that its application lists. */
  async chats(): Promise<string[]> {
    return (await this.#session.chats()).map(({ id }) => id).sort();
  }

  /** It serves: anybody through nginx, and somebody who was signed in before. */
  async serves(): Promise<void> {
    expect((await this.#fleet.tenant(this.#tenant).get("/health")).status).toBe(200);
    await this.chats();
  }

  /**
   * It serves what it is to hold, to who signs in anew; its replica equals it and is not held; no operation is open, nothing is
   * left of one, and nothing is left to apply.
   */
  async isWhole(contents: string, chats: readonly string[]): Promise<void> {
    const { driver, engine } = this.#fleet;
    expect(this.contents()).toBe(contents);
    expect((await (await this.#fleet.signIn(this.#tenant)).chats()).map(({ id }) => id).sort()).toEqual(
      [...chats].sort(),
    );
    expect(await this.#fleet.syncUntil(this.#tenant, "success")).toMatchObject({
      replica: { equal: true, held: null },
    });
    const { stdout } = await driver.operate("operations", ["list", this.#tenant, "--open", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ operations: [] });
    expect((await engine.containers()).filter((name) => /scratch|reading|helper/.test(name))).toEqual([]);
    const left = readdirSync(this.home).filter((name) => /^(rehearsal|next|restore-\d+)$|staged/.test(name));
    expect([left, existsSync(join(this.home, "config/switch"))]).toEqual([[], false]);
    expect((await driver.preview()).stdout).toMatch(/nothing would change/i);
  }

  /** Folders beside its data in which what it had is kept. */
  kept(): string[] {
    return readdirSync(this.home)
      .filter((name) => /^data\.(before|failed)-\d+$/.test(name))
      .sort();
  }
}
