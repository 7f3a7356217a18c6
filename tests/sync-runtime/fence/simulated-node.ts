import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { pino } from "pino";
import { Lease } from "../../../sync-runtime/node/lease.ts";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../sync-runtime/node/node-context.ts";
import { Postgres } from "../../../sync-runtime/node/postgres.ts";
import { Scheduler } from "../../../sync-runtime/node/scheduler.ts";
import { Worker } from "../../../sync-runtime/node/worker.ts";
import type { TestDatabase } from "../../support/postgres.ts";
import type { Random } from "../../support/webui/random.ts";
import { noWriters } from "../node/scripted-writer.ts";
import { TcpDoor } from "../node/tcp-door.ts";
import type { SharedSource } from "./shared-source.ts";

/** A lease so short that a run sees many, in seconds; what makes one unsafe in production is what is wanted here. */
export const TIMING = { beat: 0.08, duration: 0.25 };
const LEASE_MS = TIMING.duration * 1000;
/** Longest pause between two steps of a service: seconds would be a whole run. */
const STEP_MS = 40;
/**
 * Statements of a sync in front of which a process may stop, and how often it does. Stopped in front of the first it has
 * a claim and no connection that is named after it: nothing but the claim's epoch keeps what it does later from counting.
 */
const FAULT_POINTS: [string, number][] = [
  ["BEGIN", 0.35],
  ["FROM sync_metadata.tenant_claims", 0.15],
  ["COMMIT", 0.15],
];

/**
 * A node's own lease, scheduler and worker in this process: with connections of its own through a door of its own, a
 * clock that may run wrong, and stops at any moment, as SIGSTOP makes them.
 */
export class SimulatedNode {
  readonly door: TcpDoor;
  readonly metrics = new Metrics();
  readonly #random: Random;
  readonly #postgres: Postgres;
  readonly #end = new AbortController();
  #dead = false;
  #goesOn: Promise<unknown> = Promise.resolve();
  readonly #running: Promise<unknown>;

  private constructor(
    id: string,
    door: TcpDoor,
    database: TestDatabase,
    source: SharedSource,
    random: Random,
  ) {
    this.door = door;
    this.#random = random;
    const [run, log] = [randomUUID(), pino({ enabled: false })];
    const login = { ...database.credentials("sync_main"), ...door.address };
    this.#postgres = new Postgres(login, 6, `run:${run}:${id}`, log);
    const rate = random.pick([0.3, 1, 1, 3]);
    const context = {
      ...{ cluster: "main", node: id, run, timing: TIMING, metrics: this.metrics, log },
      postgres: { rows: this.#rows, withConnection: this.#withConnection },
      clock: {
        monotonic: () => performance.now() * rate,
        pause: (ms: number, signal: AbortSignal) =>
          sleep(Math.min(ms, STEP_MS), undefined, { signal }).catch(() => {}),
      },
      random: () => 0,
    } as unknown as NodeContext;
    const worker = new Worker(context, source.agents, noWriters, 2);
    const lease = new Lease(context, { hear: ({ waiting }) => waiting && worker.look(), miss: () => {} });
    const services = [lease, new Scheduler(context, lease), worker];
    this.#running = Promise.all(services.map((service) => service.run(this.#end.signal)));
  }

  static async start(id: string, database: TestDatabase, source: SharedSource, random: Random) {
    const door = await TcpDoor.to(database.credentials("sync_main"));
    return new SimulatedNode(id, door, database, source, random);
  }

  /** Does nothing for a while, in the middle of whatever it is doing. */
  stopFor(ms: number): void {
    this.#goesOn = Promise.all([this.#goesOn, sleep(ms)]);
  }

  /** Ends as by SIGTERM: hands over what it has. */
  async end(): Promise<void> {
    this.#end.abort();
    await this.#running;
    await this.#putAway();
  }

  /** Ends as by kill -9: its connections break, and nothing is handed over. */
  async kill(): Promise<void> {
    this.#dead = true;
    this.door.shut();
    this.#end.abort();
    await this.#running.catch(() => {});
    await this.#putAway();
  }

  async #putAway(): Promise<void> {
    this.door.flow();
    await this.door[Symbol.asyncDispose]();
    await this.#postgres.close();
  }

  /** Passes as long as the process runs. */
  async #gate(): Promise<void> {
    await this.#goesOn;
    if (this.#dead) throw new Error("this process was killed");
  }

  // Between what a service has decided and its statement is where a stop does most harm.
  readonly #rows: Postgres["rows"] = async (...asked) => {
    await this.#gate();
    return this.#postgres.rows(...asked);
  };

  readonly #withConnection: Postgres["withConnection"] = (work) =>
    this.#postgres.withConnection((client) => work(this.#stopping(client)));

  /** A connection whose owner may stop in front of each statement. */
  #stopping(client: pg.ClientBase): pg.ClientBase {
    const ask = client.query.bind(client) as (...asked: unknown[]) => unknown;
    const stopping = async (...asked: unknown[]) => {
      const [, often = 0] = FAULT_POINTS.find(([text]) => String(asked[0]).includes(text)) ?? [];
      if (this.#random.chance(often)) this.stopFor(this.#random.below(4 * LEASE_MS));
      await this.#gate();
      return ask(...asked);
    };
    return new Proxy(client, {
      get: (_, key) => {
        if (key === "query")
          return (...asked: unknown[]) => (typeof asked[0] === "string" ? stopping(...asked) : ask(...asked));
        const value = Reflect.get(client, key);
        return typeof value === "function" ? value.bind(client) : value;
      },
    });
  }
}
