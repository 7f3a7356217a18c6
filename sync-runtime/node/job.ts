import * as z from "zod";
import { Conflicts } from "../database/conflicts.ts";
import { Direction } from "../database/direction.ts";
import type { HeldError } from "./hold.ts";
import { silenceOf } from "./lease-timing.ts";
import type { NodeContext } from "./node-context.ts";

/** A sync that this node has claimed. */
export const Job = z.object({
  id: z.string(),
  tenant: z.string(),
  /** sync: what changed. verify: every row, and Postgres computes each digest anew. */
  kind: z.enum(["sync", "verify"]),
  attempt: z.number(),
  /** The epoch of the tenant's claim: only its holder may commit. */
  claim_epoch: z.string(),
  /** Whether another node had begun it. */
  taken_over: z.boolean(),
  host: z.string(),
  agent_address: z.string(),
  agent_identity: z.string(),
  /** How conflicts in the tenant's replica are decided. */
  conflicts: Conflicts,
  /** Whether decided edits go into the tenant's own database, and by whom; null: its host has no writer. */
  direction: Direction,
  writer_address: z.string().nullable(),
  writer_identity: z.string().nullable(),
  /** Rows were sent to the writer before, and no end of that is known. */
  write_open: z.boolean(),
  /** Not all decided rows were written the last time. */
  write_refused: z.boolean(),
});
export type Job = z.infer<typeof Job>;

/** The application_name of the connection that works on a job; claim-job.sql finds former owners by it. */
export const connectionName = (job: Job): string => `sync:${job.tenant}:${job.claim_epoch}`;

/**
 * Claims the most urgent job; undefined when nothing is due.
 * @param running ids of the jobs this node works on
 */
export async function claimJob(context: NodeContext, running: Iterable<string>): Promise<Job | undefined> {
  const { postgres, cluster, node, run, timing, log } = context;
  const [row] = await postgres.rows("claim-job", [cluster, node, run, silenceOf(timing), [...running]]);
  if (!row) return undefined;
  const job = Job.parse(row);
  if (job.taken_over) log.warn({ tenant: job.tenant, job: job.id }, "took over a job that was left behind");
  return job;
}

/**
 * Ends a job that is held, and holds the replica; interval after interval of the same is one row of the history. False:
 * the job was taken over, and nothing was changed.
 */
export async function recordHeld(
  rows: (query: string, parameters: unknown[]) => Promise<unknown[]>,
  { id, claim_epoch: epoch }: Job,
  { hold, message }: HeldError,
): Promise<boolean> {
  const { reason, detail } = hold.finding;
  const values = [hold.id, reason, JSON.stringify(detail), hold.offered, message];
  const recorded = await rows("hold-job", [id, epoch, ...values]);
  if (recorded.length === 0) return false;
  await rows("fold-job", [id]);
  return true;
}

/** Another node has claimed the tenant since: what was written is rolled back. */
export class ClaimLostError extends Error {
  override name = "ClaimLostError";
  readonly code = "claim-lost";

  constructor(job: Job) {
    super(
      `Claim ${job.claim_epoch} of tenant ${job.tenant} is no longer held, this node was silent for too long. ` +
        "Its writes were rolled back; the node that took over redoes them.",
    );
  }
}
