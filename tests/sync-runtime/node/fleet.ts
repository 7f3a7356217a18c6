import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import { AgentProcess } from "../../support/agent-process.ts";
import { until } from "../../support/fleet/until.ts";
import { type NodeOptions, NodeProcess } from "../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";

/** One finished job as the database has it. */
export interface FinishedJob {
  id: string;
  status: string;
  error: string | null;
  node: string;
  rows: string;
  started_at: string;
}

/** A real agent, a real Postgres, and real nodes as a test starts them. Everything ends with it. */
export class TestFleet implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly agent: AgentProcess;
  admin: pg.Client;
  readonly nodes: NodeProcess[] = [];
  readonly #tenants: string[];

  private constructor(database: TestDatabase, agent: AgentProcess, admin: pg.Client, tenants: string[]) {
    this.database = database;
    this.agent = agent;
    this.admin = admin;
    this.#tenants = tenants;
  }

  /**
   * Makes a webui.db for each tenant, an agent over them, and a database that knows them.
   * @param server instead of the test run's
   */
  static async start(tenants: string[], chats = 20, server?: PostgresServer): Promise<TestFleet> {
    const database = await TestDatabase.create(server);
    const agent = await AgentProcess.start();
    for (const tenant of tenants)
      createWebuiDatabase(join(agent.tenant(tenant), "webui.db"), {
        schema: "v0.11.3-fresh",
        journal: "wal",
        chats,
        odd: true,
      });
    const fleet = new TestFleet(database, agent, await database.connect("postgres"), tenants);
    await fleet.declare();
    return fleet;
  }

  /**
   * Writes the intent; again when the agent has moved to another port. An hour between syncs: tests trigger them.
   * @param writer port of the host's; its tenants are then synced both ways
   */
  async declare(agentIdentity = "urn:owui:agent:local", writer?: number): Promise<void> {
    const intent = intentOf(this.#tenants);
    const address = `127.0.0.1:${this.agent.port}`;
    await this.database.apply({
      ...intent,
      hosts: [
        {
          ...{ id: "local", agent: { address, identity: agentIdentity } },
          ...(writer && { writer: { address: `127.0.0.1:${writer}`, identity: "urn:owui:writer:local" } }),
        },
      ],
      tenants: intent.tenants.map((tenant) => ({
        ...{ ...tenant, interval: 3600, direction: writer ? "both" : "one-way" },
      })),
    });
  }

  /** Has `admin` be a connection again, to a server that ended it. */
  async reconnect(): Promise<void> {
    this.admin = await until("the server takes connections", () => this.database.connect("postgres"));
  }

  async startNode(id: string, options: Partial<NodeOptions> = {}): Promise<NodeProcess> {
    const node = await NodeProcess.start({
      database: this.database,
      authority: this.agent.authority,
      node: id,
      ...options,
    });
    this.nodes.push(node);
    return node;
  }

  /** A tenant's SQLite file, open for writing as the application has it. */
  source(tenant: string): DatabaseSync {
    return new DatabaseSync(this.agent.path("tenants", tenant, "data", "webui.db"));
  }

  /** The first job of a tenant begun behind a moment, once it is finished. */
  async nextJob(tenant: string, since = "-infinity"): Promise<FinishedJob> {
    return await until(`a job of ${tenant} begun behind ${since} is finished`, async () => {
      const { rows } = await this.admin.query<FinishedJob>(
        `SELECT id, status, error, node, rows, started_at::text FROM sync_metadata.sync_jobs
         WHERE tenant = $1 AND started_at > $2 AND finished_at IS NOT NULL ORDER BY started_at LIMIT 1`,
        [tenant, since],
      );
      return rows[0];
    });
  }

  /** Triggers a sync and waits for its end. */
  async sync(tenant: string, node = this.nodes[0] as NodeProcess): Promise<FinishedJob> {
    const { rows } = await this.admin.query("SELECT clock_timestamp()::text AS now");
    await node.trigger(tenant);
    return this.nextJob(tenant, rows[0].now);
  }

  /** Ends the nodes, so that others can be started. */
  async endNodes(): Promise<void> {
    for (const node of this.nodes.splice(0)) await node[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endNodes();
    await this.agent[Symbol.asyncDispose]();
    await this.database.drop();
  }
}
