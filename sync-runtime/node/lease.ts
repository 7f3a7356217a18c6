import * as z from "zod";
import type { NodeContext } from "./node-context.ts";
import { repeat, type Service } from "./service.ts";

/**
 * How often a node says that it is alive, and how long its word holds. A leader that dies is followed after at most
 * LEASE_S + BEAT_MS: 4 s. A leader that is slow has two beats to miss before it loses the lease.
 */
export const BEAT_MS = 1_000;
export const LEASE_S = 3;

const Beat = z.object({ epoch: z.coerce.number().nullable() });

/**
 * Leadership of the cluster. Postgres' clock decides who holds the lease; this side believes in it only as long as
 * the lease lasts counted from *before* the beat was sent, on a clock that does not step, so it stops leading before
 * another can begin. Everything a leader does is fenced by the epoch besides.
 */
export class Lease implements Service {
  readonly #context: NodeContext;
  #held: { epoch: number; until: number } | undefined;

  constructor(context: NodeContext) {
    this.#context = context;
  }

  /** The epoch under which this node leads; undefined while it does not. */
  get epoch(): number | undefined {
    return this.#held && this.#context.clock.monotonic() < this.#held.until ? this.#held.epoch : undefined;
  }

  /** Beats until the signal aborts, then hands the lease over. */
  async run(signal: AbortSignal): Promise<void> {
    const { postgres, cluster, run, log } = this.#context;
    await repeat(() => this.#beat(), this.#context, { ms: BEAT_MS, what: "the beat", signal });
    if (this.epoch === undefined) return;
    this.#become(undefined);
    await postgres.rows("release-lease", [cluster, run]).catch((error) => {
      log.warn({ err: error }, "the lease was not handed over; it expires by itself");
    });
  }

  async #beat(): Promise<void> {
    const { postgres, cluster, node, run, clock, metrics } = this.#context;
    const sent = clock.monotonic();
    try {
      const [row] = await postgres.rows("beat", [cluster, node, run, LEASE_S]);
      const { epoch } = Beat.parse(row);
      this.#become(epoch === null ? undefined : { epoch, until: sent + LEASE_S * 1000 });
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
  }
}
