import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type pg from "pg";
import { AgentProcess } from "../../tests/support/agent-process.ts";
import { NodeProcess } from "../../tests/support/node-process.ts";
import { intentOf, TestDatabase } from "../../tests/support/postgres.ts";
import type { Workbench } from "./workbench.ts";

export const TENANT = "bench";
const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 900_000;

/** One finished sync. */
export interface Sync {
  status: "success" | "unchanged";
  /** From the claim until its commit was seen. */
  seconds: number;
  /** Over the wire. */
  bytes: number;
  rows: number;
}

/** An agent over one tenant's database, as it runs on a host. */
export class Source implements AsyncDisposable {
  readonly agent: AgentProcess;
  /** The tenant's webui.db. */
  readonly path: string;
  #application: DatabaseSync | undefined;

  private constructor(agent: AgentProcess, path: string) {
    this.agent = agent;
    this.path = path;
  }

  /** Starts an agent over a copy of a database. */
  static async start(bench: Workbench, database: string): Promise<Source> {
    const agent = await AgentProcess.start(bench.programs.agent);
    bench.defer(() => agent[Symbol.asyncDispose]());
    const path = join(agent.tenant(TENANT), "webui.db");
    copyFileSync(database, path, constants.COPYFILE_FICLONE);
    return new Source(agent, path);
  }

  /** The database as the running application has it open; in WAL mode its -wal and -shm are there from now on. */
  get application(): DatabaseSync {
    if (!this.#application) {
      this.#application = new DatabaseSync(this.path, { timeout: 5000, enableForeignKeyConstraints: false });
      this.#application.exec("PRAGMA synchronous = NORMAL; SELECT count(*) FROM sqlite_schema;");
    }
    return this.#application;
  }

  /** Starts a node over a new, empty database, which takes its first sync by itself. */
  async replicate(bench: Workbench): Promise<Replica> {
    const database = await TestDatabase.create(bench.server);
    const [tenant] = intentOf([TENANT]).tenants;
    const agent = { address: `127.0.0.1:${this.agent.port}`, identity: "urn:owui:agent:local" };
    await database.apply(
      intentOf([TENANT], {
        hosts: [{ id: "local", agent }],
        tenants: tenant ? [{ ...tenant, interval: 86_400 }] : [],
      }),
    );
    const admin = await database.connect("postgres");
    const node = await NodeProcess.start({
      database,
      authority: this.agent.authority,
      node: "a",
      program: bench.programs.node,
    });
    bench.defer(() => node[Symbol.asyncDispose]());
    return new Replica(database, admin, node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#application?.close();
    await this.agent[Symbol.asyncDispose]();
  }
}

/** A replica of the tenant in a database of its own, with the node that keeps it. */
export class Replica implements AsyncDisposable {
  readonly database: TestDatabase;
  /** A superuser's connection. */
  readonly admin: pg.Client;
  readonly node: NodeProcess;

  constructor(database: TestDatabase, admin: pg.Client, node: NodeProcess) {
    this.database = database;
    this.admin = admin;
    this.node = node;
  }

  /** Waits for the first sync, which comes by itself. */
  firstSync(): Promise<Sync> {
    return this.#finished("-infinity");
  }

  /** Triggers a sync and waits for its end. @throws when it fails */
  async sync(): Promise<Sync> {
    const { rows } = await this.admin.query("SELECT clock_timestamp()::text AS now");
    await this.node.trigger(TENANT);
    return this.#finished(rows[0].now);
  }

  /** The sync that the replica is known to hold. */
  async committed(): Promise<string> {
    const { rows } = await this.admin.query("SELECT committed_sync FROM sync_metadata.replicas");
    return rows[0].committed_sync;
  }

  /** The replica's tables in the order of their names. */
  async tables(): Promise<{ name: string; columns: { name: string; type: string }[]; rows: number }[]> {
    const { rows } = await this.admin.query(
      "SELECT name, columns, rows::integer FROM sync_metadata.replica_tables ORDER BY name",
    );
    return rows;
  }

  async #finished(since: string): Promise<Sync> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const { rows } = await this.admin.query(
        `SELECT status, error, extract(epoch FROM clock_timestamp() - started_at)::float8 AS seconds,
           bytes::float8 AS bytes, rows::float8 AS rows
         FROM sync_metadata.sync_jobs
         WHERE tenant = $1 AND started_at > $2 AND finished_at IS NOT NULL ORDER BY started_at LIMIT 1`,
        [TENANT, since],
      );
      const [job] = rows;
      if (job?.status === "failed") throw new Error(`A sync failed, so nothing was measured: ${job.error}`);
      if (job) return job;
      if (performance.now() > deadline)
        throw new Error(`No sync was finished within ${PATIENCE_MS / 60_000} minutes.`);
      await pause(LOOK_EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    await this.database.drop();
  }
}
