/**
 * Guarantee 2 of DESIGN: no writer acts after losing its lease or claim. Seen to fail within half a minute, in a copy, with
 * each of these taken away:
 *
 * - schedule-jobs.sql: the comparison of holder, epoch and expiry; and its FOR SHARE alone.
 * - record-sync.sql: the comparison of run and epoch with the claim's, given enough syncs (node/queue.database.test.ts fails at
 *   once without it and the job's epoch). Nothing was seen to go wrong without its FOR UPDATE, nor
 *   without that and claim-job.sql's pg_terminate_backend: the job's own row, which the same statement writes, is locked until
 *   the commit too, and claim-job.sql skips a job that is locked.
 * - beat.sql: the growing epoch; and the condition that another's lease has expired.
 * - claim-job.sql: the growing epoch.
 */
import { test } from "vitest";
import { requireOrder } from "./random-runs.ts";

/** How long the random runs go on; `npm run test:faults` and a night's run take more. */
const SECONDS = Number(process.env.OWUI_PROPERTY_SECONDS ?? 15);

test(
  "through any stops, kills, partitions and wrong clocks, guarded writes are ordered by their epochs and none is lost",
  () => requireOrder(SECONDS),
  (SECONDS + 90) * 1000,
);
