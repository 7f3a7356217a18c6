import type { Job } from "../../../sync-runtime/node/job.ts";

/** The parameters of record-sync.sql for a job that ends well and has nothing to say of a replica. */
export const wellEnded = (
  { tenant, claim_epoch: epoch, id }: Pick<Job, "tenant" | "claim_epoch" | "id">,
  run: string,
  status: string,
  rows = 0,
): unknown[] => [tenant, run, epoch, id, status, rows, rows, null, null, "[]", null];
