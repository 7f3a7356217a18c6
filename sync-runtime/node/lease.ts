import * as z from "zod";
import type { NodeContext } from "./node-context.ts";
import { Bell, repeat, type Service } from "./service.ts";
import { CacheEvent } from "./state-cache.ts";

/** Behind the moment at which another's lease expires, so that the beat does not come just before it. */
const EXPIRED_MS = 5;

/** Of a leader's beat, how often a follower beats. */
const FOLLOWING = 0.75;

const Beat = z.object({
  epoch: z.coerce.number().nullable(),
  /** Seconds until another's lease expires; null before the first. */
  free_in: z.number().nullable(),
  cancelled: z.array(z.string()).default([]),
  events: z.array(CacheEvent).default([]),
  waiting: z.boolean().default(false),
});

/** What a beat brings beside the lease. */
export interface News {
  /** Jobs of this node that somebody wants to end. */
  cancelled: string[];
  /** What changed since the beat before. */
  events: CacheEvent[];
  /** Whether a look at the queue may find something. */
  waiting: boolean;
}

/** Who is told what beats bring. */
export interface Listener {
  hear(news: News): void;
  /** A beat was not answered; what its answer brought is lost. */
  miss(): void;
}

const NOBODY: Listener = { hear: () => {}, miss: () => {} };

/**
 * Milliseconds until a follower beats again: in the moment in which it may lead, and sooner than a leader does, so that a
 * lease that is given back is taken within a beat, its answer included.
 */
const follow = (beat: number, freeIn: number | null): number =>
  Math.max(EXPIRED_MS, Math.min(FOLLOWING * beat, freeIn === null ? beat : freeIn * 1000 + EXPIRED_MS));

/**
 * Leadership of the cluster. Postgres' clock decides who holds the lease; this side believes in it only as long as
 * the lease lasts counted from *before* the beat was sent, on a clock that does not step, so it stops leading before
 * another can begin. Everything a leader does is fenced by the epoch besides.
 */
export class Lease implements Service {
  /** Rings when this node begins to lead. */
  readonly taken = new Bell();
  readonly #context: NodeContext;
  readonly #listener: Listener;
  #held: { epoch: number; until: number } | undefined;
  /** Milliseconds until the next beat. */
  #next = 0;

  /** @param listener is told at every beat what else came with it */
  constructor(context: NodeContext, listener: Listener = NOBODY) {
    this.#context = context;
    this.#listener = listener;
  }

  /** The epoch under which this node leads; undefined while it does not. */
  get epoch(): number | undefined {
    return this.#held && this.#context.clock.monotonic() < this.#held.until ? this.#held.epoch : undefined;
  }

  /**
   * Hears that Postgres refused a write because the lease of its epoch had ended. Whatever this node believed, it does
   * not lead under that epoch any more.
   * @param write what was refused, for the log
   */
  refused(epoch: number, write: string): void {
    const { metrics, log } = this.#context;
    metrics.fenced.inc({ guard: "lease" });
    log.warn({ epoch, write }, "a write was refused because the lease had ended");
    if (this.#held?.epoch === epoch) this.#become(undefined);
  }

  /** Beats until the signal aborts, then hands the lease over. */
  async run(signal: AbortSignal): Promise<void> {
    const { postgres, cluster, run, log } = this.#context;
    await repeat(() => this.#beat(), this.#context, { ms: () => this.#next, what: "the beat", signal });
    if (this.epoch === undefined) return;
    this.#become(undefined);
    await postgres.rows("release-lease", [cluster, run]).catch((error) => {
      log.warn({ err: error }, "the lease was not handed over; it expires by itself");
    });
  }

  async #beat(): Promise<void> {
    const { postgres, cluster, node, run, timing, clock, metrics } = this.#context;
    const sent = clock.monotonic();
    const duration = timing.duration * 1000;
    this.#next = timing.beat * 1000;
    try {
      // An answer that comes later than the lease lasts is worth nothing, and the connection may be dead.
      const [row] = await postgres.rows("beat", [cluster, node, run, timing.duration], {
        withinMs: duration,
      });
      const { epoch, free_in, cancelled, events, waiting } = Beat.parse(row);
      this.#become(epoch === null ? undefined : { epoch, until: sent + duration });
      if (epoch === null) this.#next = follow(this.#next, free_in);
      this.#listener.hear({ cancelled, events, waiting });
    } catch (error) {
      this.#listener.miss();
      throw error;
    } finally {
      // Also when Postgres did not answer: what is believed then ends by itself.
      metrics.leader.set({ node_id: node }, this.epoch === undefined ? 0 : 1);
    }
  }

  #become(held: { epoch: number; until: number } | undefined): void {
    const before = this.#held?.epoch;
    this.#held = held;
    if (before === held?.epoch) return;
    const { metrics, log } = this.#context;
    if (before !== undefined) metrics.elections.inc({ result: "lost" });
    if (held) metrics.elections.inc({ result: "won" });
    log.info({ epoch: held?.epoch ?? before }, held ? "took the lease" : "gave up the lease");
    if (held) this.taken.ring();
  }
}
