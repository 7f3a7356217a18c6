import type { Lease } from "./lease.ts";
import type { NodeContext } from "./node-context.ts";
import { repeat, type Service } from "./service.ts";

/** How often the leader looks whose interval has passed; the shortest is a minute. */
const LOOK_MS = 2_000;

/** Queues the syncs that are due, while this node leads; the statement itself refuses a stale epoch. */
export class Scheduler implements Service {
  readonly #context: NodeContext;
  readonly #lease: Lease;

  constructor(context: NodeContext, lease: Lease) {
    this.#context = context;
    this.#lease = lease;
  }

  async run(signal: AbortSignal): Promise<void> {
    const bell = this.#lease.taken;
    await repeat(() => this.#schedule(), this.#context, { ms: LOOK_MS, what: "scheduling", signal, bell });
  }

  async #schedule(): Promise<void> {
    const { postgres, cluster, run } = this.#context;
    const { epoch } = this.#lease;
    if (epoch === undefined) return;
    const queued = await postgres.rows("schedule-jobs", [cluster, run, epoch]);
    if (queued.length === 0) this.#lease.refused(epoch, "schedule-jobs");
  }
}
