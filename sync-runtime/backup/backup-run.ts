import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { faultPoint } from "../fault-point.ts";
import { type Archived, archive } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import type { BackedUp, BackupConfig } from "./config.ts";
import { postgresOf } from "./postgres-dump.ts";
import { POSTGRES_TAG, Restic, type Stored } from "./restic.ts";
import { isToBeTidied } from "./schedule.ts";
import type { Kept } from "./status-file.ts";

/** No run takes longer; what it has stored by then is not stored again by the next. */
const LEAST_LIMIT_SECONDS = 6 * 3_600;

/** How a backup went. */
export interface RunOutcome extends Stored, Pick<Archived, "leftOut" | "unsettled"> {
  repository: string;
  snapshots: number;
  /** Whether what is too old was removed behind it. */
  tidied: boolean;
  /** Why that failed; the backup itself is whole. */
  untidy: BackupError | undefined;
}

/** Backs one tenant up. What ends before its end leaves earlier backups as they are. */
export async function backUp(
  config: BackupConfig,
  tenant: BackedUp,
  kept: Kept,
  now: () => Date,
  stop: AbortSignal,
): Promise<RunOutcome> {
  const limit = Math.max(config.every, LEAST_LIMIT_SECONDS);
  const late = AbortSignal.timeout(limit * 1000);
  const signal = AbortSignal.any([stop, late]);
  const staging = join(config.directories.state, "staging", tenant.id);
  try {
    const restic = new Restic(config, tenant.id);
    const repository = await readyRepository(restic, kept, signal);
    await restic.unlock(signal);
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { recursive: true, mode: 0o700 });
    const begun = now();
    let archived: Archived | undefined;
    const home = join(config.directories.tenants, tenant.id);
    const postgres = tenant.database && (await postgresOf(config.directories, tenant.id, tenant.database));
    const contents = archive({ tenant, home, staging, now, postgres }, signal, (done) => {
      archived = done;
    });
    const stored = await restic.store(contents, begun, signal);
    // Whoever ended the archive early would have it stored as if it were whole.
    if (!archived) throw new BackupError("restic-failed", "restic ended before it was given everything.");
    faultPoint("backup:stored");
    const tags = [
      ...[`tenant:${tenant.id}`, `version:${tenant.version.replaceAll(",", "_")}`],
      ...(postgres ? [POSTGRES_TAG] : []),
    ];
    const finished = await restic.finish(stored.snapshot, tags, signal);
    const tidy = isToBeTidied(kept, now());
    const untidy = tidy ? await tidied(restic, config.keep, signal) : undefined;
    if (tidy) finished.snapshots = (await restic.snapshots(signal)).length;
    const { leftOut, unsettled } = archived;
    return {
      ...stored,
      ...finished,
      repository,
      leftOut,
      unsettled,
      tidied: tidy && !untidy,
      untidy,
    };
  } catch (error) {
    if (stop.aborted) throw new BackupError("interrupted", "The program was ended while it was backed up.");
    if (late.aborted)
      throw new BackupError("took-too-long", `The backup took longer than ${limit / 3600} hours.`);
    throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A repository is made once; one that was there and is gone is nothing to begin anew over. */
async function readyRepository(restic: Restic, { repository }: Kept, signal: AbortSignal): Promise<string> {
  const found = await restic.id(signal);
  if (found !== undefined) return found;
  if (repository !== null)
    throw new BackupError("repository-gone", `Repository ${repository.slice(0, 8)} is not there any more.`);
  await restic.create(signal);
  const made = await restic.id(signal);
  if (made === undefined)
    throw new BackupError("restic-failed", "The repository is not there, although restic had made it.");
  return made;
}

/** What is too old goes, and the repository is looked through; a failure of it is no failure of the backup. */
async function tidied(restic: Restic, keep: number, signal: AbortSignal): Promise<BackupError | undefined> {
  try {
    await restic.forgetUnfinished(signal);
    await restic.prune(keep, signal);
    await restic.check(false, signal);
    return undefined;
  } catch (error) {
    if (error instanceof BackupError) return error;
    throw error;
  }
}
