import { beginning, type Kept } from "./status-file.ts";

/**
 * After the first failure; each further one doubles it, up to the interval. A tenant that was never backed up mostly begins
 * just now, and has no database yet.
 */
const RETRY_SECONDS = { usually: 300, beginning: 30 };
/** Part of the interval by which a tenant's next backup may come earlier, so that they do not all come at once. */
const JITTER = 0.1;
/** Longer than removing takes, seldom enough not to cost more than the backups. */
const TIDY_SECONDS = 86_400;

const after = (time: Date, seconds: number): string =>
  new Date(time.getTime() + seconds * 1000).toISOString();

/** When a tenant comes next whose backup of `begun` ended well. @param chance from 0 to 1 */
export const dueAfterGood = (begun: Date, every: number, chance: number): string =>
  after(begun, every * (1 - JITTER * chance));

/** The same of one that failed for the `failures`th time in a row. */
export function dueAfterFailure(
  { lastGood }: Pick<Kept, "lastGood">,
  now: Date,
  every: number,
  failures: number,
  chance: number,
): string {
  const first = lastGood === null ? RETRY_SECONDS.beginning : RETRY_SECONDS.usually;
  return after(now, Math.min(every, first * 2 ** Math.min(failures - 1, 20)) * (1 - JITTER * chance));
}

/** What is kept of a tenant whose intervals are others now: what was decided before stays. A shorter interval counts at once. */
export function rescheduled(kept: Kept, every: number, drillEvery: number, now: Date): Kept {
  const { lastGood, failing } = kept;
  const latest = after(lastGood === null ? now : new Date(lastGood), lastGood === null ? 0 : every);
  return {
    ...kept,
    every,
    drillEvery,
    due: failing === null && latest < kept.due ? latest : kept.due,
  };
}

/** The same when the program starts: a run that its program did not outlive has failed. */
export function resumed(kept: Kept, every: number, drillEvery: number, now: Date): Kept {
  const { lastStarted, lastGood, failing } = kept;
  const interrupted =
    lastStarted !== null && (lastGood === null || lastStarted > lastGood) && failing === null;
  return {
    ...rescheduled(kept, every, drillEvery, now),
    failing: interrupted ? { since: lastStarted, why: "The program ended while it was backed up." } : failing,
  };
}

/**
 * What is kept of a tenant that works on another database from now on. Backups of the former one bring the new one back in no
 * way: it is due at once, and neither a backup nor a trial restore of before speaks for it.
 * @param database URL of the new one; null: its SQLite file
 */
export const begunAnew = (kept: Kept, database: string | null, now: Date): Kept => ({
  ...beginning(kept.tenant, now),
  every: kept.every,
  drillEvery: kept.drillEvery,
  snapshots: kept.snapshots,
  repository: kept.repository,
  tidied: kept.tidied,
  database,
});

/** Whether what is too old is to be removed behind the next backup. */
export const isToBeTidied = ({ tidied }: Pick<Kept, "tidied">, now: Date): boolean =>
  tidied === null || now.getTime() - Date.parse(tidied) >= TIDY_SECONDS * 1000;

/** Who comes next, and when; undefined without tenants. */
export function next(kept: Iterable<Kept>): { tenant: string; due: Date } | undefined {
  const first = [...kept].sort((a, b) => Date.parse(a.due) - Date.parse(b.due))[0];
  return first && { tenant: first.tenant, due: new Date(first.due) };
}
