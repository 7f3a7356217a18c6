import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Intent } from "../../../sync-runtime/database/intent.ts";
import { query } from "../../../sync-runtime/database/query.ts";
import { HeldError } from "../../../sync-runtime/node/hold.ts";
import { Job, recordHeld } from "../../../sync-runtime/node/job.ts";
import { NO_PROGRESS } from "../../../sync-runtime/node/load.ts";
import type { ProgressListener } from "../../../sync-runtime/node/progress.ts";
import { type Ask, replicate } from "../../../sync-runtime/node/replicate.ts";
import type { WriteBack } from "../../../sync-runtime/node/write-back.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import { ScriptedSource } from "./scripted-source.ts";

export const RUN = randomUUID();
const NEVER = new AbortController().signal;

/** A database whose tenants have scripted sources. Call {@link nextTenant} before each test. */
export class TestReplicas implements AsyncDisposable {
  readonly database: TestDatabase;
  readonly admin: pg.Client;
  /** A superuser past whom no trigger sees what it writes. */
  readonly intruder: pg.Client;
  readonly #client: pg.Client;
  readonly #tenants: string[];
  /** Jobs claimed so far: none of them counts as left behind. */
  readonly #claimed: string[] = [];

  private constructor(
    database: TestDatabase,
    connections: { admin: pg.Client; intruder: pg.Client; client: pg.Client },
    tenants: string[],
  ) {
    this.database = database;
    this.admin = connections.admin;
    this.intruder = connections.intruder;
    this.#client = connections.client;
    this.#tenants = tenants;
  }

  /** @param declare changes what is declared of the tenants and their host */
  static async create(tenants = 40, declare = (intent: Intent) => intent): Promise<TestReplicas> {
    const database = await TestDatabase.create();
    const names = Array.from({ length: tenants }, (_, index) => `tenant-${index}`);
    await database.apply(declare(intentOf(names)));
    const [admin, intruder] = [await database.connect("postgres"), await database.connect("postgres")];
    await intruder.query("SET session_replication_role = replica");
    const client = await database.connect("sync_main");
    return new TestReplicas(database, { admin, intruder, client }, names);
  }

  /** A tenant that was never synced. */
  nextTenant(): TestReplica {
    const tenant = this.#tenants.shift();
    if (tenant === undefined) throw new Error("Every tenant of this database was used; create more.");
    return new TestReplica(this, tenant);
  }

  async claim(tenant: string, kind: Job["kind"] = "sync"): Promise<Job> {
    await this.#client.query(query(kind === "sync" ? "trigger-sync" : "trigger-verify"), [tenant]);
    const { rows } = await this.#client.query(query("claim-job"), ["main", "a", RUN, 4, this.#claimed]);
    const job = Job.parse(rows[0]);
    this.#claimed.push(job.id);
    return job;
  }

  /** Records a failed job as the worker does. */
  async fail(job: Job, error: Error & { code?: string }): Promise<void> {
    const { id, tenant, claim_epoch: epoch } = job;
    const rows = async (name: string, values: unknown[]) =>
      (await this.#client.query(query(name), values)).rows;
    if (error instanceof HeldError) return void (await recordHeld(rows, job, error));
    if (error.name === "NotEqualError") await this.#client.query(query("record-unequal"), [tenant, epoch]);
    await this.#client.query(query("fail-job"), [id, epoch, error.code, error.message, 3600, true]);
  }

  /** An operator's word about one hold. */
  async accept(tenant: string, hold: string): Promise<boolean> {
    return (await this.#client.query(query("accept-hold"), [tenant, hold])).rows[0].accepted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.drop();
  }
}

/** One tenant with its source and its replica. */
export class TestReplica {
  readonly tenant: string;
  readonly source: ScriptedSource;
  readonly #replicas: TestReplicas;

  constructor(replicas: TestReplicas, tenant: string) {
    this.#replicas = replicas;
    this.tenant = tenant;
    this.source = new ScriptedSource(tenant);
  }

  /** One sync as the worker makes it, its failure recorded. */
  sync(ask: Ask = this.source.full, progress: ProgressListener = NO_PROGRESS) {
    return this.#run("sync", ask, progress);
  }

  /** One deep verification. */
  verify(ask: Ask = this.source.full) {
    return this.#run("verify", ask, NO_PROGRESS);
  }

  /** One sync, of which whatever is held is accepted. */
  async syncAccepting(ask: Ask = this.source.full) {
    try {
      return await this.sync(ask);
    } catch (error) {
      if (!(error instanceof HeldError)) throw error;
      await this.accept(error.hold.id);
      return this.sync(ask);
    }
  }

  /** An operator's word about one hold; whether it counted. */
  accept(hold: string): Promise<boolean> {
    return this.#replicas.accept(this.tenant, hold);
  }

  /**
   * One sync, of which what was decided is then written into the source.
   * @param between happens when the sync is committed and nothing was written
   */
  async syncBothWays(
    writeBack: WriteBack,
    ask: Ask = this.source.delta,
    between: () => Promise<unknown> = async () => {},
  ) {
    const job = await this.#replicas.claim(this.tenant);
    await writeBack.fence(job, NEVER);
    const synced = await this.#replicate(job, ask, NO_PROGRESS);
    await between();
    await writeBack.run(job, NEVER);
    return synced;
  }

  async #run(kind: Job["kind"], ask: Ask, progress: ProgressListener) {
    return this.#replicate(await this.#replicas.claim(this.tenant, kind), ask, progress);
  }

  async #replicate(job: Job, ask: Ask, progress: ProgressListener) {
    // A connection of its own: one that failed in the middle of a COPY is of no further use.
    const connection = await this.#replicas.database.connect("sync_main");
    connection.on("error", () => {});
    try {
      return await replicate(connection, job, RUN, ask, progress);
    } catch (error) {
      await connection.end();
      await this.#replicas.fail(job, error as Error);
      throw error;
    } finally {
      await connection.end();
    }
  }

  /** Rows of one table, in the order of the first column asked for. */
  async rowsOf(table: string, columns = "*") {
    const statement = `SELECT ${columns} FROM "tenant_${this.tenant}"."${table}" ORDER BY 1`;
    return (await this.#replicas.admin.query(statement)).rows;
  }

  async tombstones() {
    const statement = `SELECT source, reason, content FROM "tenant_${this.tenant}"._replica_tombstones
      ORDER BY source DESC, content ->> 'id', id`;
    return (await this.#replicas.admin.query(statement)).rows;
  }

  /** What was recorded of the replica as a whole. */
  async recorded() {
    const statement = "SELECT committed_sync, equal FROM sync_metadata.replicas WHERE tenant = $1";
    return (await this.#replicas.admin.query(statement, [this.tenant])).rows[0];
  }
}
