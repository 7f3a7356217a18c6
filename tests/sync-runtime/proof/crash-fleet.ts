import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FAULT_VARIABLE, type FaultPoint } from "../../../sync-runtime/fault-point.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { Checker } from "../../support/checker.ts";
import { until } from "../../support/fleet/until.ts";
import { NodeProcess } from "../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import { WebuiApplication } from "../../support/webui-application.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { TcpDoor } from "../node/tcp-door.ts";

/** What happens at a fault point: its process dies, or it is stopped while something happens to another. */
export const MISHAPS = ["killed", "postgres killed", "agent cut off", "postgres cut off"] as const;
export type Mishap = (typeof MISHAPS)[number];

/** A job as the database has it. */
export interface JobRow {
  id: string;
  status: string;
  error: string | null;
}

const TENANT = "acme";

/** One agent, one node and Postgres as processes, with doors between them; one tenant that is written to. */
export class CrashFleet implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly node: NodeProcess;
  readonly #database: TestDatabase;
  readonly #doors: { agent: TcpDoor; postgres: TcpDoor };
  readonly #checker = Checker.start();
  readonly #source: DatabaseSync;
  readonly #application: WebuiApplication;
  readonly #path: string;

  private constructor(
    agent: AgentProcess,
    node: NodeProcess,
    database: TestDatabase,
    doors: { agent: TcpDoor; postgres: TcpDoor },
    path: string,
  ) {
    this.agent = agent;
    this.node = node;
    this.#database = database;
    this.#doors = doors;
    this.#path = path;
    this.#source = new DatabaseSync(path);
    this.#application = new WebuiApplication(this.#source);
  }

  /** Everything runs, and the tenant's first sync is done. */
  static async start(): Promise<CrashFleet> {
    const database = await TestDatabase.create();
    const agent = await AgentProcess.start();
    const path = join(agent.tenant(TENANT), "webui.db");
    createWebuiDatabase(path, { schema: "v0.11.3-legacy", journal: "wal", chats: 60, odd: true });
    const doors = {
      agent: await TcpDoor.to(() => ({ host: "127.0.0.1", port: agent.port })),
      postgres: await TcpDoor.to(database.credentials("sync_main")),
    };
    const { host, port } = doors.agent.address;
    const intent = intentOf([TENANT], {
      hosts: [{ id: "local", agent: { address: `${host}:${port}`, identity: "urn:owui:agent:local" } }],
    });
    await database.apply({
      ...intent,
      tenants: intent.tenants.map((tenant) => ({ ...tenant, interval: 3600 })),
    });
    const node = await NodeProcess.start({
      database,
      authority: agent.authority,
      node: "a",
      postgres: doors.postgres.address,
    });
    const fleet = new CrashFleet(agent, node, database, doors, path);
    await until("the first sync is done", async () => (await fleet.#lastJob())?.status === "success");
    await fleet.requireEqual();
    return fleet;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#checker[Symbol.dispose]();
    this.#source.close();
    await this.node[Symbol.asyncDispose]();
    await this.agent[Symbol.asyncDispose]();
    await this.#doors.agent[Symbol.asyncDispose]();
    await this.#doors.postgres[Symbol.asyncDispose]();
    await this.#database.drop();
  }

  /** What people write between two syncs; less than what would look like a loss. */
  write(): void {
    const application = this.#application;
    application.begin();
    application.say();
    application.say();
    application.retitle();
    application.tag();
    application.removeChat();
  }

  /** Throws unless the replica is equal to the source as it is now. */
  async requireEqual(): Promise<void> {
    await this.#checker.requireEqual(this.#path, this.#database, TENANT);
  }

  /**
   * Has a sync come to a fault point and one mishap happen there, then everything run again. Returns what became of
   * the job that was disturbed, and how many further ones it took until one succeeded.
   */
  async disturb(point: FaultPoint, mishap: Mishap): Promise<{ first: string; retries: number }> {
    const victim = point.startsWith("node:") ? this.node : this.agent;
    await victim.stop();
    await victim.run({ [FAULT_VARIABLE]: mishap === "killed" ? point : `${point}=stop` });
    const before = (await this.#lastJob())?.id ?? "0";
    await this.#trigger();
    if (mishap === "killed") await this.#awaitDeath(point);
    else await this.#disturbStopped(point, mishap);
    await victim.stop("SIGKILL");
    await victim.run();
    return this.#awaitSuccess(before);
  }

  /** One undisturbed sync. */
  async sync(): Promise<{ first: string; retries: number }> {
    const before = (await this.#lastJob())?.id ?? "0";
    await this.#trigger();
    return this.#awaitSuccess(before);
  }

  async #awaitDeath(point: FaultPoint): Promise<void> {
    if (point.startsWith("reader:")) {
      await until("the agent tells of its dead reader", async () =>
        this.agent.log.some(({ code }) => code === "reader-failed"),
      );
      this.agent.log.length = 0;
      return;
    }
    const { pid } = point.startsWith("node:") ? this.node : this.agent;
    await until(`the process dies at ${point}`, () => stateOf(pid) === undefined || stateOf(pid) === "Z");
  }

  async #disturbStopped(point: FaultPoint, mishap: Mishap): Promise<void> {
    const pid = await until(`a process is stopped at ${point}`, () => this.#stoppedProcess(point));
    if (mishap === "postgres killed") await this.#killPostgres();
    if (mishap === "agent cut off") this.#doors.agent.shut();
    if (mishap === "postgres cut off") this.#doors.postgres.shut();
    process.kill(pid, "SIGCONT");
    // What was cut off has to be noticed by whoever uses it next.
    await until("the disturbed sync has ended, or waits for its end to be recorded", async () => {
      const { rows } = await this.#database.queryAlone(
        "SELECT count(*) FROM pg_stat_activity WHERE starts_with(application_name, 'sync:')",
      );
      return rows[0].count === "0";
    });
    this.#doors.agent.open();
    this.#doors.postgres.open();
  }

  /** The pid of what stands still at a point. */
  #stoppedProcess(point: FaultPoint): number | undefined {
    if (point.startsWith("node:")) return stateOf(this.node.pid) === "T" ? this.node.pid : undefined;
    if (!point.startsWith("reader:")) return stateOf(this.agent.pid) === "T" ? this.agent.pid : undefined;
    return childrenOf(this.agent.pid).find((pid) => stateOf(pid) === "T");
  }

  /** kill -9 of the backend that syncs, or of any other: the server ends all of them and recovers from its WAL. */
  async #killPostgres(): Promise<void> {
    await this.#database
      .queryAlone(`
      DO $$
      DECLARE victim integer := (
        SELECT pid FROM pg_stat_activity WHERE usename = 'sync_main'
        ORDER BY starts_with(application_name, 'sync:') DESC LIMIT 1);
      BEGIN EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'kill -9 ' || victim); END $$`)
      .catch(() => {});
    await until("Postgres has recovered", () => this.#database.queryAlone("SELECT 1"));
  }

  /** Triggers a sync; the node's API may not be there yet. */
  async #trigger(): Promise<void> {
    await until("the node takes a trigger", () => this.node.trigger(TENANT).then(() => true));
  }

  async #awaitSuccess(before: string): Promise<{ first: string; retries: number }> {
    let triggered = "";
    return until("a sync succeeds again", async () => {
      const { rows } = await this.#database.queryAlone(
        "SELECT id, status, error FROM sync_metadata.sync_jobs WHERE id > $1 AND finished_at IS NOT NULL ORDER BY id",
        [before],
      );
      const last = rows.at(-1);
      if (last && last.status !== "failed") return { first: rows[0].status, retries: rows.length - 1 };
      // The retry would come by itself, only later.
      if (last && last.id !== triggered) {
        triggered = last.id;
        await this.#trigger();
      }
      return undefined;
    });
  }

  async #lastJob(): Promise<JobRow | undefined> {
    const { rows } = await this.#database.queryAlone(
      "SELECT id, status, error FROM sync_metadata.sync_jobs ORDER BY id DESC LIMIT 1",
    );
    return rows[0];
  }
}

/** A process' state as /proc has it: R, S, T, Z; undefined when it is gone. */
function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/** Children of all threads: Node spawns from any. */
function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"));
  return lists.join(" ").split(" ").filter(Boolean).map(Number);
}
