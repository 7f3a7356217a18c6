import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import { EditOpenError, Edits } from "./conflict/edits.ts";
import { connectionName, type Job } from "./job.ts";
import { LOCK_NOT_AVAILABLE } from "./postgres.ts";
import { ReplicaRow, type ReplicaState, stateOf } from "./replica-state.ts";

/** How long a sync waits for a transaction that wrote into the replica and is still open. */
const PATIENCE_S = 30;

/** A row of begin-sync.sql. */
const Begun = ReplicaRow.extend({ edits: z.coerce.number(), resolutions: z.coerce.number() });

/** A sync whose transaction has begun, over the replica as it was last verified. */
export interface BegunSync {
  /** What is known about the replica. */
  state: ReplicaState;
  /** What others had written into it, taken off. */
  edits: Edits;
}

/**
 * Begins a sync's transaction: makes the tenant's schema where it does not exist, takes off what others wrote, and lets
 * nobody write until the transaction ends.
 * @param patience seconds that a transaction still open is waited for
 */
export async function beginSync(client: pg.ClientBase, job: Job, patience = PATIENCE_S): Promise<BegunSync> {
  await client.query("BEGIN");
  // A statement of its own: the time it gives to each is that of those behind it.
  await client.query(query("mark-sync"), [connectionName(job)]);
  const { rows } = await client
    .query(query("begin-sync"), [job.tenant, patience])
    .catch((cause: Error & { code?: string }) => {
      throw cause.code === LOCK_NOT_AVAILABLE ? new EditOpenError(job.tenant, cause) : cause;
    });
  const { edits, resolutions, ...row } = Begun.parse(rows[0]);
  return { state: stateOf(row), edits: new Edits(client, job, edits + resolutions > 0) };
}
