import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { apply } from "../../sync-runtime/database/apply.ts";
import type { Intent } from "../../sync-runtime/database/intent.ts";
import type { PostgresServer } from "./postgres-server.ts";
import { createDatabase } from "./postgres-template.ts";

/** Roles a test may connect as; the passwords are postgres-server.ts'. */
export type Login = "postgres" | "fleet_admin" | "sync_main" | "sync_other" | "analyst_dan" | Reader;

/** Logins that read: every tenant, acme alone, acme with password hashes. */
export type Reader = "reader_ana" | "reader_bo" | "reader_cem";

/** One database of its own, prepared as the stack's SyncDatabase does it. */
export class TestDatabase {
  readonly name = `fleet_${randomBytes(6).toString("hex")}`;
  readonly #server: PostgresServer;
  readonly #clients: pg.Client[] = [];

  private constructor(server: PostgresServer) {
    this.#server = server;
  }

  /**
   * Migrated already where the server has a template, with nothing declared.
   * @param server the one of the test run, unless another is given
   */
  static async create(server: PostgresServer = inject("postgres")): Promise<TestDatabase> {
    const database = new TestDatabase(server);
    await createDatabase(server, database.name, server.template);
    return database;
  }

  /** Without any migration. */
  static createEmpty(): Promise<TestDatabase> {
    const { template: _, ...server } = inject("postgres");
    return TestDatabase.create(server);
  }

  /** What a program needs to connect as `login`. */
  credentials(login: Login) {
    return credentials(this.#server, login, this.name);
  }

  /** A connection as `login`; ended with the database. */
  async connect(login: Login): Promise<pg.Client> {
    const client = await connect(this.#server, login, this.name);
    this.#clients.push(client);
    return client;
  }

  /** One statement of the server's superuser, over a connection of its own: any other may have been killed. */
  async queryAlone(sql: string, parameters: unknown[] = []): Promise<pg.QueryResult> {
    const client = await connect(this.#server, "postgres", this.name);
    try {
      return await client.query(sql, parameters);
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Migrates, as far as that was not done, and writes what a stack's config would declare. */
  apply(intent: Intent) {
    return apply({ connection: this.credentials("fleet_admin"), intent });
  }

  /** Ends every connection and drops the database. */
  async drop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end()));
    const root = await connect(this.#server, "postgres", "postgres");
    await root.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
    await root.end();
  }
}

/** An intent with the given tenants, all on one host; the rest is what most tests do not care about. */
export function intentOf(tenants: string[], changed: Partial<Intent> = {}): Intent {
  return {
    cluster: "main",
    settings: { verify: 604_800, tombstones: 7_776_000, quarantine: 5 },
    hosts: [{ id: "local", agent: { address: "127.0.0.1:8050", identity: "urn:owui:agent:local" } }],
    tenants: tenants.map((id) => ({
      id,
      host: "local",
      url: `http://${id}.localhost:8080`,
      interval: 300,
      paused: false,
      conflicts: {},
      direction: "one-way" as const,
    })),
    logins: [{ role: "sync_main", cluster: "main" }],
    readers: [],
    ...changed,
  };
}

/** What another cluster declares in the same database. */
export const RIVAL = intentOf(["rival"], {
  cluster: "other",
  logins: [{ role: "sync_other", cluster: "other" }],
});

const PASSWORDS: Record<Exclude<Login, "postgres">, string> = {
  fleet_admin: "password of admin",
  sync_main: "password of main",
  sync_other: "password of other",
  reader_ana: "password of ana",
  reader_bo: "password of bo",
  reader_cem: "password of cem",
  analyst_dan: "password of dan",
};

function credentials(server: PostgresServer, login: Login, database: string) {
  return {
    host: server.host,
    port: server.port,
    database,
    user: login,
    password: login === "postgres" ? server.password : PASSWORDS[login],
  };
}

async function connect(server: PostgresServer, login: Login, database: string): Promise<pg.Client> {
  // As in a sync (mark-sync.sql): compiling a statement of a few rows takes a second.
  const client = new pg.Client({ ...credentials(server, login, database), options: "-c jit=off" });
  // A test may kill the server; whoever uses the connection then hears of it.
  client.on("error", () => {});
  await client.connect();
  return client;
}
