import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import { inject } from "vitest";

const SCHEMA = new URL("../../support/schemas/postgres/v0.11.3.sql", import.meta.url);

/** A database as Open WebUI 0.11.3 leaves it after its first start, which others are copied from. */
let prepared: Promise<string> | undefined;

/** A database to be promoted into. */
export class StrictDatabase {
  readonly url: string;
  readonly client: pg.Client;
  readonly #name: string;

  private constructor(name: string) {
    const { host, port, user, password } = inject("postgres");
    this.#name = name;
    this.url = `postgres://${user}:${password}@${host}:${port}/${name}`;
    this.client = new pg.Client(this.url);
  }

  /** As Open WebUI made it at its first start, empty; or, not prepared, without any table. */
  static async create(options = { prepared: true }): Promise<StrictDatabase> {
    if (options.prepared) prepared ??= prepare();
    return StrictDatabase.#make(options.prepared ? await prepared : undefined);
  }

  static async #make(template = "template1"): Promise<StrictDatabase> {
    const name = `strict_${randomBytes(6).toString("hex")}`;
    await atServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    const database = new StrictDatabase(name);
    await database.client.connect();
    return database;
  }

  /** Rows of a table, as Postgres gives their values. */
  async rows(table: string): Promise<Record<string, unknown>[]> {
    return (await this.client.query(`SELECT * FROM "${table}"`)).rows;
  }

  async count(table: string): Promise<number> {
    return (await this.rows(table)).length;
  }

  /** Ends the connection and drops the database. */
  async drop(): Promise<void> {
    await this.client.end();
    await atServer(`DROP DATABASE ${this.#name} WITH (FORCE)`);
  }

  /** Ends the connection and keeps the database. */
  async keep(): Promise<string> {
    await this.client.end();
    return this.#name;
  }
}

async function prepare(): Promise<string> {
  const database = await StrictDatabase.create({ prepared: false });
  await database.client.query(readFileSync(SCHEMA, "utf8"));
  return database.keep();
}

async function atServer(statement: string): Promise<void> {
  const { host, port, user, password } = inject("postgres");
  const client = new pg.Client({ host, port, user, password });
  await client.connect();
  await client.query(statement);
  await client.end();
}
