import { Gauge, type Registry } from "prom-client";
import type { BackupStatus } from "../protocol/backup-status.ts";

/** What is told of a tenant's backups, by metric; undefined where there is nothing to tell. */
const VALUES: Record<string, readonly [help: string, value: (of: BackupStatus) => number | undefined]> = {
  backup_interval_seconds: ["How often a tenant is to be backed up.", ({ every }) => every],
  backup_drill_interval_seconds: [
    "How often a tenant's latest backup is to be restored for a trial.",
    ({ drillEvery }) => drillEvery,
  ],
  backup_since_timestamp_seconds: [
    "Since when a tenant is to be backed up.",
    ({ since }) => secondsOf(since),
  ],
  backup_last_good_timestamp_seconds: [
    "When the latest backup began that was stored whole; missing before the first.",
    ({ lastGood }) => secondsOf(lastGood),
  ],
  backup_failing: ["1 while no backup of a tenant ends well.", ({ failing }) => Number(failing !== null)],
  backup_snapshots: ["Backups of a tenant that can be read back.", ({ snapshots }) => snapshots],
  backup_bytes: ["Size of a tenant's latest backup.", ({ bytes }) => bytes],
  backup_added_bytes: [
    "What of a tenant's latest backup had not been stored before.",
    ({ addedBytes }) => addedBytes,
  ],
  backup_drill_timestamp_seconds: [
    "When a backup of a tenant was restored for a trial last; missing before the first.",
    ({ drill }) => secondsOf(drill?.at ?? null),
  ],
  backup_drill_ok: [
    "0 while a tenant's latest trial restore had failed; missing before the first.",
    ({ drill }) => (drill ? Number(drill.ok) : undefined),
  ],
  backup_drill_seconds: ["How long a tenant's latest trial restore took.", ({ drill }) => drill?.seconds],
};

const secondsOf = (time: string | null): number | undefined =>
  time === null ? undefined : Date.parse(time) / 1000;

/** Tells of the host's backups, as their status files have it when it is asked. */
export class BackupMetrics {
  readonly #gauges: readonly { gauge: Gauge<"client">; value: (of: BackupStatus) => number | undefined }[];

  constructor(registry: Registry) {
    this.#gauges = Object.entries(VALUES).map(([name, [help, value]]) => ({
      gauge: new Gauge({ name, help, labelNames: ["client"], registers: [registry] }),
      value,
    }));
  }

  /** Of those, and of nobody else any more. */
  show(statuses: readonly BackupStatus[]): void {
    for (const { gauge, value } of this.#gauges) {
      gauge.reset();
      for (const status of statuses) {
        const is = value(status);
        if (is !== undefined) gauge.set({ client: status.tenant }, is);
      }
    }
  }
}
