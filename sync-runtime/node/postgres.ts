import type { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import pg from "pg";
import type { Logger } from "pino";
import { query } from "../database/query.ts";
import type { NodeConfig } from "./node-config.ts";

/** Longest that connecting may take; a node that cannot reach Postgres says so instead of hanging. */
const CONNECT_MS = 5_000;
/** Silence on a connection after which the kernel asks whether the other side still lives. */
const KEEPALIVE_MS = 10_000;

/** Longest that a short statement may take; the longest of them removes a thousand tombstones. */
const ANSWER_MS = 60_000;

/** Connections that are kept though idle: whoever has to lead now should not have to connect first. */
const WARM = 3;

/**
 * Uses of a connection before it is made anew. A process of the server remembers what it learnt about every table it saw,
 * and never forgets: over a thousand tenants' tables that would be hundreds of megabytes for each connection.
 */
const USES = 250;

/** Longest that a write waits for a lock which others hold. */
const LOCK_MS = 5_000;

/** What Postgres says when a lock was not to be had in time. */
export const LOCK_NOT_AVAILABLE = "55P03";

/** Runs statements of database/queries, wherever: each by itself, or all in one transaction. */
export type Statements = Pick<Postgres, "rows">;

/**
 * The authorities of a file that changes while the node runs, read for every new connection. While it cannot be read,
 * those read last are believed.
 */
function believing(path: string): { ca: Buffer } {
  let last = readFileSync(path);
  return {
    get ca() {
      try {
        last = readFileSync(path);
      } catch {
        // pg asks in the middle of a handshake, where an error would end the process.
      }
      return last;
    },
  };
}

/** What the server showed to a connection; pg declares no way to ask. */
const serverCertificate = (client: pg.PoolClient): X509Certificate | undefined => {
  const { stream } = (client as unknown as { connection: { stream: Partial<TLSSocket> } }).connection;
  return stream.getPeerX509Certificate?.();
};

/** The node's connections: short statements on any, and one to itself for each running sync. */
export class Postgres {
  readonly #pool: pg.Pool;

  /**
   * @param name of its connections, as the server's own views show them
   * @param onCertificate is given what the server shows to each new connection
   */
  constructor(
    config: NodeConfig["database"],
    connections: number,
    name: string,
    log: Logger,
    onCertificate: (certificate: X509Certificate) => void = () => {},
  ) {
    const { host, port, database, user, password, ca } = config;
    this.#pool = new pg.Pool({
      ...{ host, port, database, user, password, application_name: name },
      ssl: ca === undefined ? false : believing(ca),
      max: connections,
      min: WARM,
      maxUses: USES,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
    });
    this.#pool.on("connect", (client) => {
      const shown = serverCertificate(client);
      if (shown) onCertificate(shown);
    });
    // An idle connection broke, by a restart of the server, say. The pool drops it and makes another when asked.
    this.#pool.on("error", (error) => log.warn({ err: error }, "an idle database connection broke"));
  }

  /**
   * Runs one of database/queries; its rows are still to be parsed. One that is not answered in time fails, and its
   * connection is given up: behind a network that swallows packets it would be silent for a quarter of an hour.
   */
  async rows(
    name: string,
    parameters: unknown[] = [],
    { withinMs = ANSWER_MS }: { withinMs?: number } = {},
  ): Promise<unknown[]> {
    const statement = { text: query(name), values: parameters, query_timeout: withinMs };
    return (await this.#pool.query(statement)).rows;
  }

  /**
   * Lends a connection for one piece of work. Whatever the work left open (a transaction, a COPY) ends with it: after a
   * failure the connection is closed instead of being used again.
   */
  async withConnection<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    // An error event without a listener would end the process; the statement in flight fails as well.
    const ignore = () => {};
    client.on("error", ignore);
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } finally {
      client.off("error", ignore);
      client.release(failed);
    }
  }

  /** Runs work whose statements take effect together; when it throws, none does. */
  async transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    const outcome = await this.withConnection(async (client) => {
      await client.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_MS}`);
      const rows: Statements["rows"] = async (name, values = [], { withinMs = ANSWER_MS } = {}) => {
        const statement = { text: query(name), values, query_timeout: withinMs };
        return (await client.query(statement)).rows;
      };
      try {
        const result = await work({ rows });
        await client.query("COMMIT");
        return { result };
      } catch (error) {
        // What was refused left the connection as good as it was; one that broke fails here, and is closed.
        await client.query("ROLLBACK");
        return { error };
      }
    });
    if ("error" in outcome) throw outcome.error;
    return outcome.result;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
