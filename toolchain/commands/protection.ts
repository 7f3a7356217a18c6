import * as z from "zod";
import type { TenantSync } from "./sync-view.ts";

/** How a tenant's backups are, as nodes tell. */
export const BackupView = z.object({
  /** Seconds. */
  every: z.number(),
  drillEvery: z.number(),
  since: z.string(),
  lastStarted: z.string().nullable(),
  lastGood: z.string().nullable(),
  snapshot: z.string().nullable(),
  bytes: z.number(),
  addedBytes: z.number(),
  snapshots: z.number(),
  failing: z.object({ since: z.string(), why: z.string() }).nullable(),
  drill: z
    .object({
      at: z.string(),
      ok: z.boolean(),
      snapshot: z.string(),
      seconds: z.number(),
      why: z.string().nullable(),
    })
    .nullable(),
});
export type BackupView = z.infer<typeof BackupView>;

/** What is known of a tenant's backups. */
export type KnownBackup =
  | { known: true; backup: BackupView | null }
  /** No node, or no agent of its host, could be asked. */
  | { known: false };

/** What is due is looked at every hour, and takes its turn on its host: as alerts do, we wait so long for a trial restore. */
const DRILL_GRACE_MS = 3 * 3_600_000;

/**
 * Whether a tenant could be brought back, and what is missing; empty where nothing is. Only what is proven counts.
 * @param replica undefined: its live database is a Postgres, which no replica follows; its backups hold a dump of that
 */
export function missingProtection(
  replica: Pick<TenantSync["replica"], "verified_at" | "equal" | "held"> | undefined,
  kept: KnownBackup,
  now: number,
): string[] {
  return [
    ...(replica ? missingReplica(replica) : []),
    ...missingBackup(kept, now),
    ...missingDrill(kept, now),
  ];
}

function missingReplica({
  verified_at,
  equal,
  held,
}: Pick<TenantSync["replica"], "verified_at" | "equal" | "held">): string[] {
  if (verified_at === null) return ["its replica was never verified"];
  if (held) return ["its replica is held"];
  return equal ? [] : ["its replica is not equal"];
}

/** What is missing of its backups; empty where nothing is. */
export function missingBackup(kept: KnownBackup, now: number): string[] {
  if (!kept.known) return ["its backups are not known"];
  if (!kept.backup) return ["not backed up"];
  const { lastGood, failing, every } = kept.backup;
  if (lastGood === null) return [failing ? `no backup yet: ${failing.why}` : "no backup yet"];
  if (now - Date.parse(lastGood) > 2 * every * 1000)
    return [failing ? `backups fail: ${failing.why}` : "its backup is too old"];
  return [];
}

/** What is missing of its trial restores; empty where nothing is, and where there is nothing to restore. */
export function missingDrill(kept: KnownBackup, now: number): string[] {
  if (!kept.known || !kept.backup?.lastGood) return [];
  const { drill, drillEvery } = kept.backup;
  if (drill === null) return ["no backup was restored for a trial yet"];
  if (!drill.ok) return [`its trial restore failed: ${drill.why ?? "it did not say why"}`];
  return now - Date.parse(drill.at) > drillEvery * 1000 + DRILL_GRACE_MS
    ? ["its last trial restore is too old"]
    : [];
}
