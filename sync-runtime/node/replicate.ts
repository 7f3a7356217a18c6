import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import { faultPoint } from "../fault-point.ts";
import type { ChangeStream } from "./agent-client.ts";
import { NotEqualError, requireUntouched } from "./equality.ts";
import { ClaimLostError, connectionName, type Job } from "./job.ts";
import { type Loaded, load, NO_PROGRESS } from "./load.ts";
import type { ProgressListener } from "./progress.ts";
import { Replica } from "./replica.ts";

/** What one sync did, with the bytes that came over the wire. */
export interface Synced extends Loaded {
  bytes: number;
}

const ReplicaState = z.object({
  identity: z.string().nullable(),
  committed_sync: z.string().nullable(),
  equal: z.boolean().nullable(),
});

/**
 * One sync of one tenant, as one transaction over a connection lent for it. It commits only if Postgres, counting what
 * it stored, finds every table equal to the source's manifest, and only while the tenant's claim is held.
 *
 * A throw leaves the transaction open: whoever lent the connection closes it, which rolls everything back.
 *
 * @param run the node's run that claimed the job
 * @param ask requests the source's changes since a sync that the replica holds; null asks for everything
 * @param progress is told what comes
 */
export async function replicate(
  client: pg.ClientBase,
  job: Job,
  run: string,
  ask: (committed: string | null) => Promise<ChangeStream>,
  progress: ProgressListener = NO_PROGRESS,
): Promise<Synced> {
  const { tenant } = job;
  await client.query("BEGIN");
  await client.query(query("mark-sync"), [connectionName(job)]);
  const replica = new Replica(client, tenant);
  await replica.make();
  const state = ReplicaState.parse((await client.query(query("read-replica"), [tenant])).rows[0]);
  // One known as not equal is on its way to be repaired: every row is compared, so nothing in it is relied on.
  const committed = state.equal ? state.committed_sync : null;
  faultPoint("node:begun");

  const stream = await ask(committed);
  const before = { tenant, identity: state.identity, committed };
  const loaded = await load(stream.messages, replica, before, progress).catch(async (error) => {
    if (error instanceof NotEqualError && committed !== null) await requireUntouchedBefore(client, replica);
    throw error;
  });
  const synced = { ...loaded, bytes: stream.bytes() };
  await commit(client, job, run, synced);
  return synced;
}

/**
 * Tells why a replica that was equal is not: undoes what this sync did, and looks at what the last one left. Throws
 * when somebody else changed that.
 */
async function requireUntouchedBefore(client: pg.ClientBase, replica: Replica): Promise<void> {
  await client.query("ROLLBACK");
  requireUntouched(await replica.measure());
}

/** Records and commits, unless the tenant was claimed anew in the meantime. */
async function commit(client: pg.ClientBase, job: Job, run: string, synced: Synced): Promise<void> {
  const held = await client.query(query("lock-claim"), [job.tenant, run, job.claim_epoch]);
  if (held.rowCount !== 1) throw new ClaimLostError(job);
  faultPoint("node:claim-locked");
  const { sync, identity, tables, status, received, bytes, source } = synced;
  await client.query(query("record-equal"), [
    job.tenant,
    identity,
    sync,
    JSON.stringify(tables),
    source && JSON.stringify(source),
  ]);
  const rows = received.reduce((sum, table) => sum + table.rows, 0);
  await client.query(query("finish-job"), [job.id, job.claim_epoch, status, rows, bytes]);
  await client.query("COMMIT");
  faultPoint("node:committed");
}
