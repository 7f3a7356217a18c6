import * as z from "zod";
import type { Lease } from "./lease.ts";
import type { NodeContext } from "./node-context.ts";
import { repeat, type Service } from "./service.ts";

/** How often the leader looks for what is no longer kept. */
const LOOK_MS = 3_600_000;
/** A failure is followed by another try within this. */
const STEP_MS = 60_000;

const Pruned = z.object({ pruned: z.coerce.number().nullable() });
const Dropped = z.object({ dropped: z.coerce.number().nullable() });
const Tenant = z.object({ tenant: z.string() });

/**
 * Removes what is no longer kept, while this node leads: old jobs, records of operators' writes, conflicts that were resolved
 * long ago, who was active longer ago than is counted, and old tombstones. How long they are kept is decided in Postgres; this only asks, in small batches, until
 * nothing is left to go.
 */
export class Retention implements Service {
  readonly #context: NodeContext;
  readonly #lease: Lease;
  #done = Number.NEGATIVE_INFINITY;

  constructor(context: NodeContext, lease: Lease) {
    this.#context = context;
    this.#lease = lease;
  }

  async run(signal: AbortSignal): Promise<void> {
    await repeat(() => this.#look(signal), this.#context, {
      ms: STEP_MS,
      what: "removing what is no longer kept",
      signal,
    });
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const { epoch } = this.#lease;
    if (epoch === undefined || clock.monotonic() - this.#done < LOOK_MS) return;
    await this.#clear(epoch, signal);
    this.#done = clock.monotonic();
  }

  async #clear(epoch: number, signal: AbortSignal): Promise<void> {
    const { postgres, run, log } = this.#context;
    const jobs = await untilNothingGoes(signal, async () => {
      const [row] = await postgres.rows("prune-history", [run, epoch]);
      return this.#guarded(epoch, "prune-history", Pruned.parse(row).pruned);
    });
    if (jobs > 0) log.info({ jobs }, "removed old jobs from the history");
    const writes = await untilNothingGoes(signal, async () => {
      const [row] = await postgres.rows("prune-api-writes", [run, epoch]);
      return this.#guarded(epoch, "prune-api-writes", Pruned.parse(row).pruned);
    });
    if (writes > 0) log.info({ writes }, "removed old records and kept answers of operators' writes");
    const conflicts = await untilNothingGoes(signal, async () => {
      const [row] = await postgres.rows("prune-conflicts", [run, epoch]);
      return this.#guarded(epoch, "prune-conflicts", Pruned.parse(row).pruned);
    });
    if (conflicts > 0) log.info({ conflicts }, "removed conflicts that were resolved long ago");
    await untilNothingGoes(signal, async () => {
      const [row] = await postgres.rows("prune-cache-events", [run, epoch]);
      return this.#guarded(epoch, "prune-cache-events", Pruned.parse(row).pruned);
    });
    const users = await untilNothingGoes(signal, async () => {
      const [row] = await postgres.rows("prune-active-users", [run, epoch]);
      return this.#guarded(epoch, "prune-active-users", Pruned.parse(row).pruned);
    });
    if (users > 0) log.info({ users }, "forgot who was last active 30 days ago");
    for (const { tenant } of z.array(Tenant).parse(await postgres.rows("replicated-tenants"))) {
      const tombstones = await untilNothingGoes(signal, async () => {
        const [row] = await postgres.rows("drop-tombstones", [tenant, run, epoch]);
        return this.#guarded(epoch, "drop-tombstones", Dropped.parse(row).dropped);
      });
      if (tombstones > 0) log.info({ tenant, tombstones }, "dropped tombstones that were kept long enough");
    }
  }

  /** What a statement says it removed; null is how it refuses an epoch that is over. */
  #guarded(epoch: number, statement: string, removed: number | null): number | null {
    if (removed === null) this.#lease.refused(epoch, statement);
    return removed;
  }
}

/** Takes a step until it removes nothing more, or is refused (null); says how much went in all. */
async function untilNothingGoes(signal: AbortSignal, step: () => Promise<number | null>): Promise<number> {
  let all = 0;
  for (let gone = await step(); gone; gone = signal.aborted ? null : await step()) all += gone;
  return all;
}
