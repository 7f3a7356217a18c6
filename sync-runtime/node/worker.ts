import * as z from "zod";
import type { AgentClient } from "./agent-client.ts";
import { retryDelay } from "./backoff.ts";
import type { Settled } from "./conflict/edits.ts";
import { NotEqualError } from "./equality.ts";
import { HeldError } from "./hold.ts";
import { ClaimLostError, claimJob, connectionName, type Job, recordHeld } from "./job.ts";
import type { NodeContext } from "./node-context.ts";
import { Progress } from "./progress.ts";
import { type Ask, replicate, type Synced } from "./replicate.ts";
import { Bell, repeat, type Service } from "./service.ts";
import { WriteBack, type Writers } from "./write-back.ts";

/**
 * How often a node looks for work although no beat said that any is waiting: there may be a job of its own that it gave up
 * without being able to say so.
 */
const LOOK_MS = 10_000;
/** Failures that say nothing about the tenant: its host is away, or another node has its job. */
const BLAMELESS = new Set(["agent-unreachable", "claim-lost"]);

const Ended = z.object({ status: z.enum(["failed", "cancelled"]), quarantined: z.boolean() });

/** A job that this node works on. */
interface Work {
  job: Job;
  done: Promise<void>;
  /** Aborts when somebody cancels it. */
  cancel: AbortController;
}

/** Does the syncs that are due, several at a time. A tenant whose sync fails is tried later and delays no other. */
export class Worker implements Service {
  readonly #context: NodeContext;
  readonly #agents: AgentClient;
  readonly #writeBack: WriteBack;
  readonly #parallel: number;
  /** By job id. */
  readonly #running = new Map<string, Work>();
  readonly #waiting = new Bell();

  constructor(context: NodeContext, agents: AgentClient, writers: Writers, parallel: number) {
    this.#context = context;
    this.#agents = agents;
    this.#writeBack = new WriteBack(context, writers);
    this.#parallel = parallel;
  }

  /** Works until the signal aborts, which also breaks off what runs: the other node continues it at once. */
  async run(signal: AbortSignal): Promise<void> {
    await repeat(() => this.#takeWork(signal), this.#context, {
      ms: LOOK_MS,
      what: "looking for work",
      signal,
      bell: this.#waiting,
    });
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  /** Looks for work now, if its hands are free: some is waiting. */
  look(): void {
    this.#waiting.ring();
  }

  /** Claims until its hands are full or nothing is due; then waits for the next look. */
  async #takeWork(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#running.size < this.#parallel) {
      const job = await claimJob(this.#context, this.#running.keys());
      if (!job) return;
      const cancel = new AbortController();
      const done = this.#do(job, signal, cancel.signal)
        .then((synced) => synced && this.#writeDecided(job, synced, signal))
        .finally(() => this.#putDown(job.id));
      this.#running.set(job.id, { job, done, cancel });
    }
  }

  /** Hands that were full look for more at once. */
  #putDown(id: string): void {
    const full = this.#running.size >= this.#parallel;
    this.#running.delete(id);
    if (full) this.look();
  }

  /**
   * Breaks jobs off that somebody cancelled: the agent is asked no more, and the connection ends, whatever statement or
   * lock it waits for. Told again until the job has ended, since its connection may not have been marked before.
   */
  cancel(jobs: readonly string[]): void {
    const { postgres, log } = this.#context;
    for (const id of jobs) {
      const work = this.#running.get(id);
      if (!work) continue;
      work.cancel.abort();
      postgres.rows("end-sync", [connectionName(work.job)]).catch((error) => {
        log.warn({ err: error, job: id }, "a cancelled sync's connection was not ended; it is tried again");
      });
    }
  }

  /** Behind a sync that was committed; a tenant whose rows go one way only is done. */
  async #writeDecided(job: Job, { settled }: Synced, signal: AbortSignal): Promise<void> {
    if (job.direction !== "both") return;
    if (settled.decided > 0 || job.write_open || job.write_refused) await this.#writeBack.run(job, signal);
  }

  /** One job from claim to its last record. Returns what it did, undefined when it failed; never throws. */
  async #do(job: Job, stop: AbortSignal, cancel: AbortSignal): Promise<Synced | undefined> {
    const { postgres, run, clock, metrics } = this.#context;
    const client = job.tenant;
    const signal = AbortSignal.any([stop, cancel]);
    const begun = clock.monotonic();
    const progress = new Progress(async (state) => {
      const written = await postgres.rows("write-progress", [job.id, job.claim_epoch, JSON.stringify(state)]);
      if (written.length === 0) this.#fenced(job, "write-progress");
    });
    const ended = new AbortController();
    const keeping = progress.keep(clock, ended.signal);
    try {
      const agent = { host: job.host, address: job.agent_address, identity: job.agent_identity };
      const ask: Ask = (committed, wish) => this.#agents.changes(agent, client, committed, wish, signal);
      await this.#writeBack.fence(job, signal);
      const synced = await postgres.withConnection((connection) =>
        replicate(connection, job, run, ask, progress),
      );
      this.#publish(job, synced);
      return synced;
    } catch (error) {
      await progress.flush();
      if (error instanceof HeldError) await this.#hold(job, error);
      else await this.#fail(job, error as Error, stop);
      return undefined;
    } finally {
      ended.abort();
      await keeping;
      metrics.duration.observe(client, (clock.monotonic() - begun) / 1000);
    }
  }

  #publish(job: Job, { status, bytes, tables, received, differences, settled }: Synced): void {
    const { metrics, log } = this.#context;
    const { id, kind, tenant: client } = job;
    metrics.operations.inc({ client, status });
    for (const { table, rows } of received) metrics.rowsProcessed.add(client, table, rows);
    log.info({ tenant: client, job: id, kind, status, bytes, tables: tables.length }, "verified the replica");
    if (differences.length > 0)
      log.error({ tenant: client, job: id, differences }, "found rows that differed, and repaired them");
    this.#publishSettled(job, settled);
  }

  /** Counts conflicts; without a row of them in the log, which anybody may read who operates the cluster. */
  #publishSettled({ id, tenant: client }: Job, { decided, conflicts, resolved, reopened }: Settled): void {
    const { metrics, log } = this.#context;
    for (const { table, type, strategy, winner } of conflicts) {
      metrics.conflictsDetected.inc({ client, table, type });
      if (winner !== "pending") metrics.conflictsResolved.inc({ client, strategy });
    }
    if (resolved > 0) metrics.conflictsResolved.inc({ client, strategy: "manual" }, resolved);
    if (conflicts.length + resolved + reopened === 0) return;
    const found = { conflicts: conflicts.length, decided, resolved, reopened };
    log.warn({ tenant: client, job: id, ...found }, "met rows that others had changed in the replica");
  }

  /** Records that a replica is held. When even that fails, some node claims the job as one left behind. */
  async #hold(job: Job, error: HeldError): Promise<void> {
    const { postgres, metrics, log } = this.#context;
    const { id, tenant } = job;
    metrics.operations.inc({ client: tenant, status: "held" });
    log.warn({ err: error, tenant, job: id, held: error.hold.id }, "a replica is held");
    try {
      const recorded = await recordHeld((name, values) => postgres.rows(name, values), job, error);
      if (!recorded) this.#fenced(job, "hold-job");
    } catch (cause) {
      log.error({ err: cause, tenant, job: id }, "a held replica could not be recorded");
    }
  }

  /** Records a failure or a cancellation. When even that fails, some node claims the job as one left behind. */
  async #fail(job: Job, error: Error & { code?: string }, stop: AbortSignal): Promise<void> {
    const { postgres, random, metrics, log } = this.#context;
    const { id, tenant, claim_epoch: epoch } = job;
    // Broken off by this node's own end: no fault of the tenant, the other node may go on at once.
    const delay = stop.aborted ? 0 : retryDelay(job.attempt, random());
    const blame = !stop.aborted && !BLAMELESS.has(error.code ?? "");
    let ended: z.infer<typeof Ended> = { status: "failed", quarantined: false };
    if (error instanceof ClaimLostError) this.#fenced(job, "commit");
    try {
      const unequal = [tenant, epoch];
      if (error instanceof NotEqualError && (await postgres.rows("record-unequal", unequal)).length === 0)
        this.#fenced(job, "record-unequal");
      const failed = [id, epoch, error.code ?? error.name, error.message, delay, blame];
      const [row] = await postgres.rows("fail-job", failed);
      if (row) ended = Ended.parse(row);
      else this.#fenced(job, "fail-job");
    } catch (cause) {
      log.error({ err: cause, tenant, job: id }, "a failed sync could not be recorded");
    }
    metrics.operations.inc({ client: tenant, status: ended.status });
    if (ended.status === "cancelled") return log.info({ tenant, job: id }, "a sync was cancelled");
    log.warn({ err: error, tenant, job: id, attempt: job.attempt, retry_s: delay }, "a sync failed");
    if (ended.quarantined) log.warn({ tenant }, "a tenant is in quarantine: it is tried hourly at most");
  }

  /** Counts a write that was refused because another node has claimed the tenant since. */
  #fenced({ id, tenant, claim_epoch: epoch }: Job, write: string): void {
    const { metrics, log } = this.#context;
    metrics.fenced.inc({ guard: "claim" });
    log.warn({ tenant, job: id, epoch, write }, "a write was refused because the claim had ended");
  }
}
