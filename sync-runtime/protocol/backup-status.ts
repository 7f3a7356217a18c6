import * as z from "zod";

const time = z.iso.datetime();
const count = z.number().nonnegative();

/** What a trial restore of a tenant's latest backup showed. */
export const Drill = z.object({
  /** When it ended. */
  at: time,
  ok: z.boolean(),
  /** The snapshot that was restored. */
  snapshot: z.string(),
  seconds: count,
  /** What was wrong; null where nothing was. */
  why: z.string().nullable(),
});
export type Drill = z.infer<typeof Drill>;

/** How a tenant's backups are: `<root>/backup/status/<tenant>.json` on its host, and what the agent reports of it. */
export const BackupStatus = z.object({
  tenant: z.string(),
  /** Seconds from one backup to the next, and from one trial restore to the next. */
  every: count,
  drillEvery: count,
  /** Since when it is to be backed up. */
  since: time,
  lastStarted: time.nullable(),
  /** When the latest backup began that was stored whole: what it holds is of that time. */
  lastGood: time.nullable(),
  /** Its id; null before the first. */
  snapshot: z.string().nullable(),
  /** Of the latest backup, and of that what had to be stored. */
  bytes: count,
  addedBytes: count,
  /** How many can be restored. */
  snapshots: count,
  /** Since when and why no backup ends well; null while the latest did. */
  failing: z.object({ since: time, why: z.string() }).nullable(),
  /** Of the latest trial restore; null before the first. */
  drill: Drill.nullable(),
});
export type BackupStatus = z.infer<typeof BackupStatus>;
