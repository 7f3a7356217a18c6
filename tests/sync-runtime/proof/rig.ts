import { randomUUID } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { query } from "../../../sync-runtime/database/query.ts";
import { AgentClient, type ChangeStream } from "../../../sync-runtime/node/agent-client.ts";
import { HeldError } from "../../../sync-runtime/node/hold.ts";
import { Job, recordHeld } from "../../../sync-runtime/node/job.ts";
import { replicate, type Synced } from "../../../sync-runtime/node/replicate.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { Checker, type Comparison } from "../../support/checker.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";

/**
 * What may happen to a sync on the node's side: its connection to Postgres, or to the agent, ends behind so many messages
 * of the stream; or the rows that come hold other bytes, as many, than the agent sent.
 */
export type Mishap =
  | { what: "postgres" | "agent"; behind: number }
  | { what: "altered"; from: string; to: string };

/**
 * A real agent and a real Postgres with the node's own sync between them, in this process: a few syncs a second
 * instead of one every few, for tests that need hundreds. What only processes show is crash-matrix's work.
 */
export class Rig implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly database: TestDatabase;
  admin: pg.Client;
  readonly checker = Checker.start();
  readonly #client: AgentClient;
  readonly #run = randomUUID();
  /** Claims jobs and records failures; the syncs have connections of their own. */
  #queue: pg.Client;
  readonly #claimed: string[] = [];
  #tenants = 0;

  private constructor(agent: AgentProcess, database: TestDatabase, admin: pg.Client, queue: pg.Client) {
    this.#queue = queue;
    this.agent = agent;
    this.database = database;
    this.admin = admin;
    const current = {
      cert: Buffer.from(agent.node.certificate),
      key: Buffer.from(agent.node.key),
      ca: Buffer.from(agent.authority.certificate),
    };
    this.#client = new AgentClient({ current, onChange: () => {}, see: () => {} });
  }

  /**
   * @param tenants how many may be used
   * @param server another than that of the test run
   */
  static async start(tenants: number, server?: PostgresServer): Promise<Rig> {
    const [agent, database] = await Promise.all([AgentProcess.start(), TestDatabase.create(server)]);
    await database.apply(intentOf(Array.from({ length: tenants }, (_, index) => `t${index}`)));
    return new Rig(agent, database, await database.connect("postgres"), await database.connect("sync_main"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.checker[Symbol.dispose]();
    this.#client.close();
    await this.agent[Symbol.asyncDispose]();
    await this.database.drop();
  }

  /** A tenant that has not been used, and where its database belongs. */
  newTenant(): { id: string; path: string } {
    const id = `t${this.#tenants++}`;
    return { id, path: join(this.agent.tenant(id), "webui.db") };
  }

  /**
   * One sync as a node makes it, its failure recorded and thrown.
   * @param agent who is asked, where it is another than the rig's own
   */
  async sync(tenant: string, mishap?: Mishap, agent = this.agent): Promise<Synced> {
    const job = await this.#claim(tenant);
    const connection = new pg.Client(this.database.credentials("sync_main"));
    connection.on("error", () => {});
    await connection.connect();
    const broken = new AbortController();
    const { host, agent_identity: identity } = job;
    const address = { host, identity, address: `127.0.0.1:${agent.port}` };
    try {
      return await replicate(connection, job, this.#run, async (committed, wish) => {
        const stream = await this.#client.changes(address, tenant, committed, wish, broken.signal);
        return mishap ? this.#disturbed(stream, mishap, tenant, broken) : stream;
      });
    } catch (error) {
      broken.abort();
      // As a node does it: what the sync holds locked is free before its end is recorded.
      await connection.end().catch(() => {});
      await this.#recordFailure(job, error as Error);
      throw error;
    } finally {
      await connection.end().catch(() => {});
    }
  }

  /** Keeps the whole database as it is now, for {@link rollBackTarget}. */
  async keepTarget(): Promise<void> {
    await this.#withDatabaseFree((root, name) => root.query(`CREATE DATABASE ${name}_kept TEMPLATE ${name}`));
  }

  /** Puts the database back to what it was: a backup restored, or a standby that lagged behind promoted. */
  async rollBackTarget(): Promise<void> {
    await this.#withDatabaseFree(async (root, name) => {
      await root.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await root.query(`ALTER DATABASE ${name}_kept RENAME TO ${name}`);
      // A copy has not the rights on the database itself.
      await root.query(`GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${name} TO fleet_owner`);
    });
  }

  /** Does something to the database that nobody may be connected to meanwhile. */
  async #withDatabaseFree(work: (root: pg.Client, name: string) => Promise<unknown>): Promise<void> {
    await this.admin.end();
    await this.#queue.end();
    const root = new pg.Client({ ...this.database.credentials("postgres"), database: "postgres" });
    await root.connect();
    try {
      await root.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [
        this.database.name,
      ]);
      await work(root, this.database.name);
    } finally {
      await root.end();
    }
    this.admin = await this.database.connect("postgres");
    this.#queue = await this.database.connect("sync_main");
  }

  /** Until a sync succeeds; `attempts` of them may fail. What a replica is held for is accepted, and is no failure. */
  async syncWithin(tenant: string, attempts: number): Promise<Synced> {
    for (let attempt = 1; ; )
      try {
        return await this.sync(tenant);
      } catch (error) {
        if (error instanceof HeldError)
          await this.#queue.query(query("accept-hold"), [tenant, error.hold.id]);
        else if (attempt++ >= attempts) throw error;
      }
  }

  /** Throws unless the replica holds what the file holds, by the checker's word. */
  requireEqual(tenant: string, file: string): Promise<Comparison> {
    return this.checker.requireEqual(file, this.database, tenant);
  }

  /** Breaks a connection off in the middle of a stream, or alters what comes. */
  #disturbed(stream: ChangeStream, mishap: Mishap, tenant: string, broken: AbortController): ChangeStream {
    const { admin } = this;
    async function* messages() {
      let at = 0;
      for await (const message of stream.messages) {
        if (mishap.what === "altered") {
          if (message.type === "rows") replaceOnce(message.bytes, mishap);
          yield message;
          continue;
        }
        if (at++ === mishap.behind && mishap.what === "postgres")
          await admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, $1)",
            [`sync:${tenant}:`],
          );
        if (at > mishap.behind && mishap.what === "agent") {
          broken.abort();
          throw new Error("the connection to the agent broke");
        }
        yield message;
      }
    }
    return { ...stream, messages: messages() };
  }

  async #claim(tenant: string): Promise<Job> {
    await this.#queue.query(query("trigger-sync"), [tenant]);
    const { rows } = await this.#queue.query(query("claim-job"), ["main", "a", this.#run, 4, this.#claimed]);
    const job = Job.parse(rows[0]);
    this.#claimed.push(job.id);
    return job;
  }

  /** What is held is accepted at once: histories here lose rows as no operator's tenants do. */
  async #recordFailure(job: Job, error: Error & { code?: string }): Promise<void> {
    const rows = async (name: string, values: unknown[]) =>
      (await this.#queue.query(query(name), values)).rows;
    if (error instanceof HeldError) return void (await recordHeld(rows, job, error));
    if (error.name === "NotEqualError") await rows("record-unequal", [job.tenant, job.claim_epoch]);
    await rows("fail-job", [job.id, job.claim_epoch, error.code ?? error.name, error.message, 3600, true]);
  }
}

/** Puts other text in the place of some, where it stands first. */
function replaceOnce(bytes: Buffer, { from, to }: { from: string; to: string }): void {
  const place = bytes.indexOf(from);
  if (place >= 0) bytes.write(to, place);
}
