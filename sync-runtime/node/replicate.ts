import type pg from "pg";
import { query } from "../database/query.ts";
import { faultPoint } from "../fault-point.ts";
import type { ChangeStream } from "./agent-client.ts";
import { type BegunSync, beginSync } from "./begin-sync.ts";
import type { Settled } from "./conflict/edits.ts";
import { DeepReplica, type TableDifferences } from "./deep-replica.ts";
import { NotEqualError, requireUntouched } from "./equality.ts";
import { findLosses, requirePlausible } from "./hold.ts";
import { ClaimLostError, type Job } from "./job.ts";
import { type Loaded, load, NO_PROGRESS } from "./load.ts";
import type { ProgressListener } from "./progress.ts";
import { Replica } from "./replica.ts";
import type { ReplicaState } from "./replica-state.ts";
import { tableChanges } from "./table-changes.ts";

/** What one sync did, with the bytes that came over the wire. */
export interface Synced extends Loaded {
  bytes: number;
  /** What a deep verification found and repaired; empty for a sync, which looks for nothing. */
  differences: TableDifferences[];
  /** What became of what others wrote into the replica. */
  settled: Settled;
}

/** What is asked of an agent beside the last committed sync. */
export interface Wish {
  /** Every row, whatever was committed. */
  full: boolean;
  /** A sync that was offered and not taken: nothing needs to be sent when nothing was written since. */
  held: string | null;
}

/** What Postgres says when a statement names a table, or a column, that is not there. */
const LOST: ReadonlySet<string> = new Set(["42P01", "42703"]);

/** Requests a source's changes since a sync that the replica holds; null asks for everything. */
export type Ask = (committed: string | null, wish: Wish) => Promise<ChangeStream>;

/**
 * One sync of one tenant, as one transaction over a connection lent for it. It commits only if Postgres, counting what
 * it stored, finds every table equal to the source's manifest, only if what goes through is plausible or was accepted
 * by an operator, and only while the tenant's claim is held.
 *
 * A throw leaves the transaction open: whoever lent the connection closes it, which rolls everything back.
 *
 * @param run the node's run that claimed the job
 * @param progress is told what comes, and has written that down before the commit
 */
export async function replicate(
  client: pg.ClientBase,
  job: Job,
  run: string,
  ask: Ask,
  progress: ProgressListener = NO_PROGRESS,
): Promise<Synced> {
  try {
    return await replicateOnce(client, job, run, ask, progress);
  } catch (error) {
    if (LOST.has((error as { code?: string }).code ?? "")) await requireAllTables(client, job);
    throw error;
  }
}

async function replicateOnce(
  client: pg.ClientBase,
  job: Job,
  run: string,
  ask: Ask,
  progress: ProgressListener,
): Promise<Synced> {
  const { tenant } = job;
  const deep = job.kind === "verify" ? new DeepReplica(client, job) : undefined;
  const replica = deep ?? new Replica(client, tenant);
  const { state, edits } = await beginSync(client, job);
  await deep?.readBack();
  faultPoint("node:begun");

  const { committed, hold } = state;
  const stream = await ask(committed, {
    full: deep !== undefined,
    held: hold && !hold.accepted ? hold.offered : null,
  });
  // What is read back has been compared already, and every table follows.
  const before = { tenant, ...state, committed: deep ? null : committed };
  const loaded = await load(stream.messages, replica, before, progress).catch(async (error) => {
    if (error instanceof NotEqualError && before.committed !== null)
      await requireUntouchedBefore(client, job, replica);
    throw error;
  });
  requirePlausibleLosses(tenant, state, loaded, deep);
  await deep?.requireRepaired();
  const proven = { ...loaded, bytes: stream.bytes(), differences: deep?.differences ?? [] };
  await progress.flush?.();
  return { ...proven, settled: await commit(client, job, run, { proven, state, deep, edits }) };
}

/** Holds a replica that would lose much at once. Other data than before was accepted as such, with what it holds. */
function requirePlausibleLosses(
  tenant: string,
  { identity, unequal, hold }: ReplicaState,
  loaded: Loaded,
  deep: DeepReplica | undefined,
): void {
  if (identity !== null && loaded.identity !== identity) return;
  const altered = (table: string) => unequal || deep?.damaged.has(table) === true;
  requirePlausible(tenant, hold, findLosses(tableChanges(loaded, altered)), loaded.sync);
}

/**
 * Tells why a replica that was equal is not: undoes what this sync did, and looks at what the last one left. Throws
 * when somebody else changed that.
 */
async function requireUntouchedBefore(client: pg.ClientBase, job: Job, replica: Replica): Promise<void> {
  await client.query("ROLLBACK");
  await beginSync(client, job);
  requireUntouched(await replica.measure());
}

/** Tells whether it was somebody's doing that the replica has no such table or column. */
async function requireAllTables(client: pg.ClientBase, job: Job): Promise<void> {
  await client.query("ROLLBACK");
  const { rows } = await client.query<{ name: string }>(query("lost-tables"), [job.tenant]);
  if (rows.length > 0)
    throw new NotEqualError(
      rows.map(({ name }) => `${name} is not there as it was made`),
      "Somebody other than the nodes dropped it, or a column of it. The next sync makes it anew from the source.",
    );
}

/** What is committed: a replica that was proven equal, and what others had written into it. */
interface Outcome extends BegunSync {
  proven: Omit<Synced, "settled">;
  deep: DeepReplica | undefined;
}

/**
 * Decides about what others wrote, records and commits, unless the tenant was claimed anew in the meantime. What is
 * recorded is what was proven: what wins over the source is laid on top of it, and the next sync takes it off first.
 */
async function commit(
  client: pg.ClientBase,
  job: Job,
  run: string,
  { proven, state, deep, edits }: Outcome,
): Promise<Settled> {
  const { id, tenant, claim_epoch: epoch } = job;
  if (edits.any || state.hold || deep) await requireClaim(client, job, run);
  const settled = await edits.settle(job.conflicts);
  if (state.hold) await client.query(query("end-hold"), [tenant, epoch]);
  if (deep)
    await client.query(query("record-deep"), [
      tenant,
      id,
      epoch,
      deep.differing,
      JSON.stringify(deep.differences),
    ]);
  await recordSync(client, job, run, proven);
  faultPoint("node:claim-locked");
  await client.query("COMMIT");
  faultPoint("node:committed");
  return settled;
}

/** What is written besides the record of the sync is written under the claim as well. */
async function requireClaim(client: pg.ClientBase, job: Job, run: string): Promise<void> {
  const { rowCount } = await client.query(query("lock-claim"), [job.tenant, run, job.claim_epoch]);
  if (rowCount !== 1) throw new ClaimLostError(job);
}

/** Records what was proven and ends the job, with the claim locked until the transaction ends. */
async function recordSync(client: pg.ClientBase, job: Job, run: string, proven: Outcome["proven"]) {
  const { status, bytes, identity, sync, tables, source } = proven;
  const rows = proven.received.reduce((sum, table) => sum + table.rows, 0);
  const replica = [identity, sync, JSON.stringify(tables), source && JSON.stringify(source)];
  const values = [job.tenant, run, job.claim_epoch, job.id, status, rows, bytes, ...replica];
  const { rowCount } = await client.query(query("record-sync"), values);
  if (rowCount !== 1) throw new ClaimLostError(job);
}
