import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Intent } from "../../sync-runtime/database/intent.ts";
import { query } from "../../sync-runtime/database/query.ts";
import { TestDatabase } from "./postgres.ts";

/** A database with what a cluster declares, and the two who ask it in nearly every test. */
export class ClusterDatabase {
  #open: { database: TestDatabase; admin: pg.Client; sync: pg.Client } | undefined;

  private constructor() {}

  /** A new one for each test of the file. */
  static forEach(intent: Intent): ClusterDatabase {
    const cluster = new ClusterDatabase();
    beforeEach(() => cluster.#create([intent]));
    afterEach(() => cluster.#drop());
    return cluster;
  }

  /** One for all tests of the file. Several clusters may share it. */
  static forAll(...intents: Intent[]): ClusterDatabase {
    const cluster = new ClusterDatabase();
    beforeAll(() => cluster.#create(intents));
    afterAll(() => cluster.#drop());
    return cluster;
  }

  get database(): TestDatabase {
    return this.#opened.database;
  }

  /** The superuser's connection. */
  get admin(): pg.Client {
    return this.#opened.admin;
  }

  /** A node's connection, of cluster `main`. */
  get sync(): pg.Client {
    return this.#opened.sync;
  }

  /** Rows of one of the runtime's own queries, asked as a node. */
  readonly ask = async (name: string, parameters: unknown[] = []) =>
    (await this.sync.query(query(name), parameters)).rows;

  get #opened() {
    if (!this.#open) throw new Error("The database is there while a test or its hooks run.");
    return this.#open;
  }

  async #create(intents: Intent[]): Promise<void> {
    const database = await TestDatabase.create();
    for (const intent of intents) await database.apply(intent);
    const [admin, sync] = await Promise.all([database.connect("postgres"), database.connect("sync_main")]);
    this.#open = { database, admin, sync };
  }

  async #drop(): Promise<void> {
    await this.#open?.database.drop();
    this.#open = undefined;
  }
}
