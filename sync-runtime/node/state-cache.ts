import * as z from "zod";
import type { NodeContext } from "./node-context.ts";
import { RecentAnswers } from "./recent-answers.ts";
import { Deployment } from "./tenant-state.ts";

/** How long what was read is believed without a word from Postgres. */
export const TTL_MS = 300_000;

/** A row of hosts.sql. */
export const Host = z.object({
  host: z.string(),
  status: z.enum(["active", "retired"]),
  /** Where its agent answers, and the URI that its certificate must carry. */
  address: z.string(),
  identity: z.string(),
  /** Tenants on it that are not retired. */
  tenants: z.number(),
});
export type Host = z.infer<typeof Host>;

/** One change that somebody made, as a beat brings it. */
export const CacheEvent = z.object({
  id: z.string(),
  kind: z.enum(["deployment", "host"]),
  subject: z.string(),
});
export type CacheEvent = z.infer<typeof CacheEvent>;

/** The list of all of a kind; no id is like it. */
const ALL = "*";

interface Entry {
  rows: unknown[];
  /** On the clock that does not step. */
  until: number;
}

/**
 * What this node knows of tenants and hosts, read from Postgres when it is asked for and kept for five minutes at most.
 *
 * Every change appends an event in its own transaction; the beat brings it within a second, whichever node made the
 * change, and what it is about is forgotten. A write of this node's own API forgets before it is answered. What was
 * read while something was forgotten is given to whoever asked and not kept: it may be from before the change.
 */
export class StateCache {
  /** Lists of how replicas stand, as JSON; forgotten with whatever else is, and with every write of this node's own API. */
  readonly statuses: RecentAnswers<string>;
  readonly #context: Pick<NodeContext, "postgres" | "clock" | "metrics">;
  readonly #entries = new Map<string, Entry>();
  /** Grows whenever anything is forgotten. */
  #generation = 0;
  /** Ids of the events that the last beat brought: it may bring them again while an old transaction is open. */
  #known: ReadonlySet<string> = new Set();
  #heard: number;
  #missed = false;

  constructor(context: Pick<NodeContext, "postgres" | "clock" | "metrics">) {
    this.#context = context;
    this.#heard = context.clock.monotonic();
    this.statuses = new RecentAnswers(context.clock);
  }

  /** Every tenant of the cluster, the retired ones too. */
  async deployments(): Promise<Deployment[]> {
    return z.array(Deployment).parse(await this.#read("deployment", ALL, "deployments"));
  }

  /** One tenant; undefined where the cluster has none of that name. */
  async deployment(id: string): Promise<Deployment | undefined> {
    const [row] = await this.#read("deployment", id, "deployments");
    return row === undefined ? undefined : Deployment.parse(row);
  }

  async hosts(): Promise<Host[]> {
    return z.array(Host).parse(await this.#read("host", ALL, "hosts"));
  }

  /** Forgets what is known of one tenant or host, and the list that it is in. */
  forget(kind: CacheEvent["kind"], id: string): void {
    this.#generation += 1;
    this.statuses.forget();
    this.#entries.delete(`${kind}:${id}`);
    this.#entries.delete(`${kind}:${ALL}`);
    // A host's row counts its tenants.
    if (kind === "deployment") this.#entries.delete(`host:${ALL}`);
  }

  /** Hears what a beat brought. Behind one that failed, whose answer may have been lost on the way, nothing is kept. */
  hear(events: readonly CacheEvent[]): void {
    if (this.#missed) {
      this.#generation += 1;
      this.statuses.forget();
      this.#entries.clear();
    }
    this.#missed = false;
    for (const { id, kind, subject } of events) if (!this.#known.has(id)) this.forget(kind, subject);
    this.#known = new Set(events.map(({ id }) => id));
    this.#heard = this.#context.clock.monotonic();
  }

  /** Hears that a beat was not answered. */
  miss(): void {
    this.#missed = true;
  }

  /** Seconds since this node last heard of changes: by so much what it tells may be old. */
  get lag(): number {
    return (this.#context.clock.monotonic() - this.#heard) / 1000;
  }

  async #read(kind: CacheEvent["kind"], id: string, statement: string): Promise<unknown[]> {
    const { postgres, clock, metrics } = this.#context;
    const key = `${kind}:${id}`;
    const kept = this.#entries.get(key);
    if (kept && clock.monotonic() < kept.until) {
      metrics.cacheHits.inc();
      return kept.rows;
    }
    metrics.cacheMisses.inc();
    const generation = this.#generation;
    const until = clock.monotonic() + TTL_MS;
    const rows = await postgres.rows(statement, [id === ALL ? null : id]);
    // A name that nobody has is not kept: whoever asks for a million of them fills nothing.
    if (generation === this.#generation && rows.length > 0) this.#entries.set(key, { rows, until });
    return rows;
  }
}
