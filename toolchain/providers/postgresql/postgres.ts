import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Properties } from "../plugin/properties.ts";
import { choice, type Filled, field, flag, number, text } from "../plugin/types.ts";

/** Provider settings. Only one connection is open at a time, so maxConnections is always kept. */
export const settings = {
  host: field(text, { required: true }),
  port: field(number, { default: 5432 }),
  username: field(text, { default: "postgres" }),
  databaseUsername: field(text),
  password: field(text),
  database: field(text, { default: "postgres" }),
  sslmode: field(choice("disable", "require", "verify-ca", "verify-full"), { default: "require" }),
  sslrootcert: field(text),
  superuser: field(flag, { default: true }),
  connectTimeout: field(number, { default: 180 }),
  maxConnections: field(number),
  expectedVersion: field(text),
};

type Settings = Filled<typeof settings>;

export type Row = Record<string, unknown>;

/** Runs one statement, with parameters where it takes them; its rows. */
export type Sql = (statement: string, values?: unknown[]) => Promise<Row[]>;

/** What a server that is still starting answers: nobody listens, it hangs up, or it says so (57P03). */
const startingCodes = new Set(["ECONNREFUSED", "ECONNRESET", "57P03"]);

/** Wrong passwords and names are not among them: those fail at once. */
const isStarting = (error: unknown): boolean => {
  const { code, message } = error as { code?: string; message?: string };
  return startingCodes.has(code ?? "") || message === "Connection terminated unexpectedly";
};

/** Between two attempts to reach a server that is starting. */
const retryInterval = 500;

/** `require` encrypts without asking who is there, unless a root certificate says whom to trust. */
const tlsOptions = ({ host, sslmode, sslrootcert }: Settings) => {
  if (sslmode === "disable") return false;
  const ca = sslrootcert ? readFileSync(sslrootcert, "utf8") : undefined;
  const verified = sslmode !== "require" || ca !== undefined;
  const anyName = sslmode === "verify-full" ? {} : { checkServerIdentity: () => undefined };
  return { host, rejectUnauthorized: verified, ...(ca ? { ca } : {}), ...anyName };
};

/** A server, connected to anew for every operation, since an open connection keeps its database from being dropped. */
export class Postgres {
  readonly #settings: Settings;
  /** Operations wait for each other: the catalogue does not take concurrent changes of one object. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** The database that is meant where none is named. */
  get defaultDatabase(): string {
    return this.#settings.database;
  }

  /** The role that connects, by whichever name a pooler knows it; owner of what is given no owner. */
  get username(): string {
    return this.#settings.databaseUsername || this.#settings.username;
  }

  /** Runs statements one by one, each for itself. */
  session<T>(database: string | undefined, signal: AbortSignal, body: (sql: Sql) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#run(database ?? this.defaultDatabase, signal, body));
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Runs statements together: all happen, or none. */
  transaction<T>(
    database: string | undefined,
    signal: AbortSignal,
    body: (sql: Sql) => Promise<T>,
  ): Promise<T> {
    return this.session(database, signal, async (sql) => {
      await sql("BEGIN");
      // A failure closes the connection, and that rolls back.
      const result = await body(sql);
      await sql("COMMIT");
      return result;
    });
  }

  /** A connection for one operation; cancelling closes it, which ends the statement with an error. */
  async #run<T>(database: string, signal: AbortSignal, body: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#connect(database, signal);
    const close = () => void client.end().catch(() => {});
    signal.addEventListener("abort", close, { once: true });
    try {
      return await body(async (statement, values) => (await client.query(statement, values)).rows as Row[]);
    } finally {
      signal.removeEventListener("abort", close);
      await client.end();
    }
  }

  /** Tries until the server answers or connectTimeout has passed; messages name the server, never the password. */
  async #connect(database: string, signal: AbortSignal): Promise<Client> {
    const { host, port, username: user, password, connectTimeout } = this.#settings;
    const { default: pg } = await import("pg");
    const deadline = AbortSignal.timeout(connectTimeout * 1000);
    for (;;) {
      signal.throwIfAborted();
      const client = new pg.Client({
        ...{ host, port, user, password, database, ssl: tlsOptions(this.#settings) },
        application_name: "pulumi stand-in",
        connectionTimeoutMillis: 10_000,
      });
      // An idle connection that breaks reports here; whatever is running fails by itself.
      client.on("error", () => {});
      try {
        await client.connect();
        return client;
      } catch (error) {
        await client.end().catch(() => {});
        const reason = (error as Error).message || (error as { code?: string }).code;
        if (!isStarting(error) || deadline.aborted) {
          throw new Error(`error connecting to PostgreSQL server ${host}: ${reason}`);
        }
      }
      await sleep(retryInterval);
    }
  }
}

/** The server of a configuration; reached with the first operation, not before. */
export const postgres = (config: Properties): Postgres => new Postgres(config as Settings);
