import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { AgentProcess } from "../../tests/support/agent-process.ts";
import { Checker } from "../../tests/support/checker.ts";
import { until } from "../../tests/support/fleet/until.ts";
import { NodeProcess } from "../../tests/support/node-process.ts";
import { intentOf, TestDatabase } from "../../tests/support/postgres.ts";
import { startServer } from "../../tests/support/postgres-server.ts";
import { Random } from "../../tests/support/webui/random.ts";
import { createWebuiDatabase } from "../../tests/support/webui-database.ts";
import { TcpDoor } from "../../tests/sync-runtime/node/tcp-door.ts";
import { memoryOf } from "../replicate/process-usage.ts";
import { BusyTenant } from "./tenant.ts";

/** What is written to: of several versions, in both journal modes. */
const TENANTS = [
  { id: "new-wal", schema: "v0.12.4-fresh", journal: "wal", pauseMs: 100 },
  { id: "old-wal", schema: "v0.11.3-legacy", journal: "wal", pauseMs: 50 },
  { id: "new-rollback", schema: "v0.8.12-legacy", journal: "rollback", pauseMs: 100 },
  { id: "old-rollback", schema: "v0.6.43-legacy", journal: "rollback", pauseMs: 200 },
] as const;

/** Seconds between two syncs of a tenant, where nothing goes wrong. */
const INTERVAL_S = 5;
const QUIET_EVERY_MS = 45_000;
const MISHAP_EVERY_MS = 12_000;
const SAMPLE_EVERY_MS = 5_000;
/** How often a quiet tenant's sync is asked for while mishaps break it off, and how long that may go on. */
const ASK_EVERY_MS = 15_000;
const PATIENCE_S = 300;
/** In the second half agent and nodes are left alive, so that growth of their memory would show. */
const DEADLY = ["kill the agent", "kill node a", "kill node b"] as const;
const HARMLESS = [
  "end the connections that sync",
  "kill a Postgres backend",
  "kill the readers",
  "kill an application",
  "cut the agent off",
] as const;
export type MishapName = (typeof DEADLY)[number] | (typeof HARMLESS)[number];

/** Anonymous memory at one moment, bytes. */
export interface Sample {
  seconds: number;
  agent: number;
  readers: number;
  nodes: number[];
  /** Bytes of all databases. */
  databases: number;
}

/** What a soak has seen. */
export interface SoakResult {
  seconds: number;
  mishaps: Map<MishapName, number>;
  comparisons: { tenant: string; rows: number; tables: number; seconds: number }[];
  /** What the checker found different, or what never came to be equal. */
  failures: string[];
  /** By status; of failed ones by code as well. */
  jobs: Map<string, number>;
  jobSeconds: { status: string; count: number; median: number; p95: number; longest: number }[];
  samples: Sample[];
  tenants: {
    id: string;
    journal: string;
    schema: string;
    commits: number;
    refused: number;
    longest: number;
    bytes: number;
  }[];
}

/** Runs for so many minutes; tells what happens. */
export async function soak(minutes: number, tell: (text: string) => void): Promise<SoakResult> {
  await using stack = new AsyncDisposableStack();
  const fleet = await SoakFleet.start(stack);
  // Awaited here: what it runs on ends with this function.
  return await fleet.run(minutes * 60, tell);
}

class SoakFleet {
  readonly #database: TestDatabase;
  readonly #agent: AgentProcess;
  readonly #door: TcpDoor;
  readonly #nodes: NodeProcess[];
  readonly #tenants: BusyTenant[];
  readonly #checker: Checker;
  readonly #random = new Random("soak", Date.now());
  #turn: Promise<unknown> = Promise.resolve();
  readonly #result: SoakResult = {
    seconds: 0,
    mishaps: new Map(),
    comparisons: [],
    failures: [],
    jobs: new Map(),
    jobSeconds: [],
    samples: [],
    tenants: [],
  };

  private constructor(
    database: TestDatabase,
    agent: AgentProcess,
    door: TcpDoor,
    nodes: NodeProcess[],
    tenants: BusyTenant[],
    checker: Checker,
  ) {
    this.#database = database;
    this.#agent = agent;
    this.#door = door;
    this.#nodes = nodes;
    this.#tenants = tenants;
    this.#checker = checker;
  }

  static async start(stack: AsyncDisposableStack): Promise<SoakFleet> {
    const { server, stop } = await startServer({
      name: "owui-soak-postgres",
      arguments: ["--tmpfs", "/var/lib/postgresql/data"],
      settings: ["fsync=off"],
    });
    stack.defer(stop);
    const database = await TestDatabase.create(server);
    const agent = stack.use(await AgentProcess.start());
    const door = stack.use(await TcpDoor.to(() => ({ host: "127.0.0.1", port: agent.port })));
    const tenants = TENANTS.map(({ id, schema, journal, pauseMs }) => {
      const path = join(agent.tenant(id), "webui.db");
      createWebuiDatabase(path, { schema, journal, megabytes: 20, odd: true });
      return stack.use(new BusyTenant(id, path, pauseMs));
    });
    const intent = intentOf(
      tenants.map(({ id }) => id),
      {
        hosts: [
          {
            id: "local",
            agent: { address: `127.0.0.1:${door.address.port}`, identity: "urn:owui:agent:local" },
          },
        ],
      },
    );
    await database.apply({
      ...intent,
      tenants: intent.tenants.map((tenant) => ({ ...tenant, interval: INTERVAL_S })),
    });
    const nodes: NodeProcess[] = [];
    for (const node of ["a", "b"])
      nodes.push(stack.use(await NodeProcess.start({ database, authority: agent.authority, node })));
    return new SoakFleet(database, agent, door, nodes, tenants, stack.use(Checker.start()));
  }

  async run(seconds: number, tell: (text: string) => void): Promise<SoakResult> {
    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 1000;
    const over = new AbortController();
    for (const tenant of this.#tenants) tenant.run();
    const sampling = this.#every(SAMPLE_EVERY_MS, over.signal, async () => this.#sample(elapsed()));
    const disturbing = this.#every(MISHAP_EVERY_MS, over.signal, async () => {
      const name = this.#random.pick<MishapName>(
        elapsed() < seconds / 2 ? [...DEADLY, ...HARMLESS] : HARMLESS,
      );
      this.#result.mishaps.set(name, (this.#result.mishaps.get(name) ?? 0) + 1);
      tell(`${elapsed().toFixed(0)} s: ${name}`);
      await this.#alone(() => this.#disturb(name));
    });
    while (elapsed() < seconds) {
      await pause(QUIET_EVERY_MS);
      const tenant = this.#random.pick(this.#tenants);
      tell(`${elapsed().toFixed(0)} s: ${tenant.id} is quiet`);
      await this.#compare(tenant);
    }
    over.abort();
    await Promise.all([sampling, disturbing]);
    for (const tenant of this.#tenants) await this.#compare(tenant);
    this.#result.seconds = elapsed();
    await this.#summarize();
    return this.#result;
  }

  async #every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await pause(ms * (0.5 + this.#random.next()), undefined, { signal }).catch(() => {});
      if (!signal.aborted)
        await work().catch((error) => this.#result.failures.push(`the soak itself: ${error.message}`));
    }
  }

  /** Waits, while nobody writes to it, for a sync of a tenant that began meanwhile, and has the checker compare. */
  async #compare(tenant: BusyTenant): Promise<void> {
    const began = performance.now();
    try {
      // Not while a mishap kills it: the new one would not have heard.
      await this.#alone(() => tenant.pause());
      const { rows: clock } = await this.#database.queryAlone("SELECT clock_timestamp()::text AS now");
      let asked = Number.NEGATIVE_INFINITY;
      await until(
        `${tenant.id} is synced`,
        async () => {
          // A tenant whose syncs were all disturbed waits longer and longer; an operator would not.
          if (performance.now() - asked > ASK_EVERY_MS) {
            await this.#trigger(tenant.id);
            asked = performance.now();
          }
          const { rowCount } = await this.#database.queryAlone(
            `SELECT FROM sync_metadata.replicas AS r JOIN sync_metadata.sync_jobs AS j ON j.tenant = r.tenant
             WHERE r.tenant = $1 AND j.started_at > $2 AND j.status IN ('success', 'unchanged') AND r.verified_at > $2`,
            [tenant.id, clock[0].now],
          );
          return rowCount;
        },
        PATIENCE_S,
      );
      const found = await this.#alone(() => this.#checker.compare(tenant.path, this.#database, tenant.id));
      const seconds = (performance.now() - began) / 1000;
      if (found.equal) this.#result.comparisons.push({ tenant: tenant.id, seconds, ...found });
      else this.#result.failures.push(`${tenant.id} is not equal: ${found.differences.join("; ")}`);
    } catch (error) {
      this.#result.failures.push(`${tenant.id} could not be compared: ${(error as Error).message}`);
    } finally {
      tenant.resume();
    }
  }

  /** One after another: a mishap, or a look of the checker, which is no part of what is tested. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** By either node; one of them may just have been killed. */
  async #trigger(tenant: string): Promise<true> {
    await Promise.any(this.#nodes.map((node) => node.trigger(tenant)));
    return true;
  }

  async #disturb(name: MishapName): Promise<void> {
    switch (name) {
      case "kill the agent":
        await this.#agent.stop("SIGKILL");
        await pause(this.#random.below(3000));
        return this.#agent.run();
      case "kill node a":
      case "kill node b": {
        const node = this.#nodes[name === "kill node a" ? 0 : 1] as NodeProcess;
        await node.stop("SIGKILL");
        await pause(this.#random.below(3000));
        return node.run();
      }
      case "end the connections that sync":
        return void (await this.#database.queryAlone(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, 'sync:')",
        ));
      case "kill a Postgres backend":
        return this.#killBackend();
      case "kill the readers":
        for (const pid of this.#readers()) kill(pid);
        return;
      case "kill an application":
        return this.#random.pick(this.#tenants).kill();
      case "cut the agent off":
        this.#door.shut();
        await pause(this.#random.below(4000));
        return this.#door.open();
    }
  }

  /** kill -9 of one backend: the server ends them all and recovers from its WAL. */
  async #killBackend(): Promise<void> {
    await this.#database
      .queryAlone(`
      DO $$
      DECLARE victim integer := (SELECT pid FROM pg_stat_activity WHERE usename = 'sync_main' LIMIT 1);
      BEGIN EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'kill -9 ' || victim); END $$`)
      .catch(() => {});
    await until("Postgres has recovered", () => this.#database.queryAlone("SELECT 1"));
  }

  #readers(): number[] {
    try {
      const tasks = readdirSync(`/proc/${this.#agent.pid}/task`);
      const lists = tasks.map((task) =>
        readFileSync(`/proc/${this.#agent.pid}/task/${task}/children`, "utf8"),
      );
      return lists.join(" ").split(" ").filter(Boolean).map(Number);
    } catch {
      return [];
    }
  }

  #sample(seconds: number): void {
    this.#result.samples.push({
      seconds,
      agent: memoryOf(this.#agent.pid),
      readers: this.#readers().reduce((sum, pid) => sum + memoryOf(pid), 0),
      nodes: this.#nodes.map(({ pid }) => memoryOf(pid)),
      databases: this.#tenants.reduce((sum, { path }) => sum + bytesOf(path), 0),
    });
  }

  async #summarize(): Promise<void> {
    const { jobs } = this.#result;
    const count = (what: string) => jobs.set(what, (jobs.get(what) ?? 0) + 1);
    for (const entry of this.#nodes.flatMap(({ log }) => log)) {
      if (entry.msg === "verified the replica") count(String(entry.status));
      if (entry.msg === "a sync failed") {
        const { code, name } = entry.err as { code?: string; name?: string };
        count(`failed: ${code ?? name}`);
      }
    }
    const { rows } = await this.#database.queryAlone(`
      SELECT status, count(*)::integer AS count, percentile_disc(ARRAY[0.5, 0.95, 1])
        WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)) AS seconds
      FROM sync_metadata.sync_jobs WHERE finished_at IS NOT NULL GROUP BY status ORDER BY status`);
    this.#result.jobSeconds = rows.map(({ status, count, seconds: [median, p95, longest] }) => ({
      status,
      count,
      median: Number(median),
      p95: Number(p95),
      longest: Number(longest),
    }));
    this.#result.tenants = this.#tenants.map(({ id, path, commits, refused, longest }, index) => {
      const { journal, schema } = TENANTS[index] as (typeof TENANTS)[number];
      return { id, journal, schema, commits, refused, longest, bytes: bytesOf(path) };
    });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

const bytesOf = (path: string): number => {
  try {
    return readFileSync(path).length;
  } catch {
    return 0;
  }
};
