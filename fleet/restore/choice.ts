import { SetupError } from "../../toolchain/setup/problem.mjs";

/** One backup of a tenant. */
export interface Snapshot {
  /** By which it is fetched. */
  id: string;
  /** ISO 8601. */
  takenAt: string;
  /** Version of Open WebUI, `v0.11.3`; null where it is not known. */
  openWebui: string | null;
  /** What its database is. */
  database: "sqlite" | "postgres";
}

/** Which one is wanted; neither: the latest. */
export interface Wanted {
  /** The latest that was taken until then; a time without a zone is the operator's own. */
  at?: string | undefined;
  /** Its id, or how that begins. */
  snapshot?: string | undefined;
}

/** Chooses one of a tenant's backups; what there is none for is told with what there is. */
export function choose(tenant: string, all: readonly Snapshot[], { at, snapshot }: Wanted): Snapshot {
  const sorted = [...all].sort((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt));
  const oldest = sorted[0];
  const latest = sorted.at(-1);
  if (!oldest || !latest)
    throw refused(
      `There is no backup of ${tenant}.`,
      "Its repository is empty.",
      `Make one while it runs: npx fleet backup run ${tenant}`,
    );
  if (at !== undefined && snapshot !== undefined)
    throw refused(
      "--at and --snapshot do not go together.",
      "Each of them names a backup.",
      "Give one of them.",
    );
  if (snapshot !== undefined) {
    const found = sorted.filter(({ id }) => id.startsWith(snapshot));
    if (found.length === 1 && /^[0-9a-f]{4,}$/.test(snapshot)) return found[0] as Snapshot;
    throw refused(
      `${found.length > 1 ? "Several backups" : "No backup"} of ${tenant} ${found.length > 1 ? "begin" : "begins"} with "${snapshot}".`,
      "A backup is named by the first eight digits of its id.",
      `See which there are: npx fleet backup list ${tenant}`,
    );
  }
  if (at === undefined) return latest;
  const time = timeOf(at);
  if (Number.isNaN(time))
    throw refused(
      `"${at}" is no time.`,
      "It decides which backup is taken.",
      "Write it as 2026-11-22T06:00, with a Z behind it for UTC.",
    );
  const found = sorted.findLast(({ takenAt }) => Date.parse(takenAt) <= time);
  if (found) return found;
  throw refused(
    `No backup of ${tenant} is as old as ${new Date(time).toISOString()}.`,
    `The oldest is of ${oldest.takenAt}, the latest of ${latest.takenAt}.`,
    "Name a later time, or leave --at away for the latest.",
  );
}

/** A day alone is the whole day. */
const timeOf = (at: string): number => Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(at) ? `${at}T23:59:59.999` : at);

const refused = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);

/** Whether one version of Open WebUI comes before another; texts that are no versions come before none. */
export function isEarlier(one: string, other: string): boolean {
  const numbers = (version: string) => /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  const [a, b] = [numbers(one), numbers(other)];
  if (!a || !b) return false;
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}
