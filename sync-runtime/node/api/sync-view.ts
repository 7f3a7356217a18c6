import * as z from "zod";
import { Direction } from "../../database/direction.ts";
import { Finding, findingText } from "../hold.ts";

/** How far a sync came; null where nothing was sent. */
const Progress = z
  .object({
    tables: z.array(
      z.object({
        table: z.string(),
        rows: z.number(),
        rows_total: z.number(),
        bytes: z.number(),
        bytes_total: z.number(),
      }),
    ),
  })
  .nullable();

/** A row of sync-status.sql. */
const StatusRow = z.object({
  id: z.string(),
  host: z.string(),
  interval: z.number(),
  paused: z.boolean(),
  state: z.string(),
  state_since: z.date(),
  state_by: z.string(),
  state_reason: z.string(),
  quarantined_at: z.date().nullable(),
  failures: z.number(),
  status: z.string().nullable(),
  finished_at: z.date().nullable(),
  error: z.string().nullable(),
  progress: Progress,
  running_id: z.string().nullable(),
  running_kind: z.string().nullable(),
  running_since: z.date().nullable(),
  running_progress: Progress,
  verified_at: z.date().nullable(),
  deep_verified_at: z.date().nullable(),
  tables: z.number(),
  rows: z.coerce.number(),
  equal: z.boolean(),
  decided: z.coerce.number(),
  direction: Direction,
  live_database: z.string().nullable(),
  write_refused_code: z.string().nullable(),
  write_refused: z.string().nullable(),
  write_refused_at: z.date().nullable(),
  held_id: z.string().nullable(),
  held_reason: z.string().nullable(),
  held_detail: z.unknown(),
  held_at: z.date().nullable(),
  held_accepted: z.boolean(),
});
type StatusRow = z.infer<typeof StatusRow>;

/** The occasion for which a replica keeps what it has. */
const hold = {
  /** What an operator names to accept it. */
  id: z.string(),
  /** The reason in words. */
  text: z.string(),
  since: z.date(),
  accepted: z.boolean(),
};
const [IdentityChanged, SourceEmpty, RowsVanished] = Finding.options;
const Held = z.discriminatedUnion("reason", [
  IdentityChanged.extend(hold),
  SourceEmpty.extend(hold),
  RowsVanished.extend(hold),
]);

/** How one tenant's replica stands, as the API answers it. */
const TenantStatus = z.object({
  id: z.string(),
  host: z.string(),
  /** Seconds between syncs. */
  interval: z.number(),
  paused: z.boolean(),
  /** both: edits in the replica that win are written into the tenant's own database. */
  direction: Direction,
  /** Where its live database is when that is a Postgres, which is not synced: without a password. Null: its SQLite file. */
  live_database: z.string().nullable(),
  /** Why not all of them were the last time; null: they were, or none are. */
  write_refused: z.object({ code: z.string(), text: z.string(), since: z.date() }).nullable(),
  /** Where the tenant is in its life, and the move that led there. */
  state: z.object({ is: z.string(), since: z.date(), by: z.string(), reason: z.string() }),
  /** While its syncs failed so often that it is tried hourly at most; null while it is not so. */
  quarantine: z.object({ since: z.date(), failures: z.number() }).nullable(),
  /** The sync that ended last; null before the first. */
  last: z
    .object({
      status: z.string(),
      finished_at: z.date().nullable(),
      error: z.string().optional(),
      progress: Progress,
    })
    .nullable(),
  running: z
    .object({ id: z.string(), kind: z.string(), started_at: z.date(), progress: Progress })
    .nullable(),
  replica: z.object({
    verified_at: z.date().nullable(),
    tables: z.number(),
    rows: z.number(),
    equal: z.boolean(),
    /** Rows in which it differs from its source all the same, because a conflict was decided so. */
    decided: z.number(),
    deep_verified_at: z.date().nullable(),
    held: Held.nullable(),
  }),
});

/** A row of sync-status.sql, as the API answers it. */
export const SyncStatus = StatusRow.transform((row) => ({
  id: row.id,
  host: row.host,
  interval: row.interval,
  paused: row.paused,
  direction: row.direction,
  live_database: row.live_database,
  write_refused: writeRefusedOf(row),
  state: { is: row.state, since: row.state_since, by: row.state_by, reason: row.state_reason },
  quarantine: row.quarantined_at === null ? null : { since: row.quarantined_at, failures: row.failures },
  last: lastOf(row),
  running:
    row.running_id === null
      ? null
      : {
          id: row.running_id,
          kind: row.running_kind,
          started_at: row.running_since,
          progress: row.running_progress,
        },
  replica: {
    verified_at: row.verified_at,
    tables: row.tables,
    rows: row.rows,
    equal: row.equal,
    decided: row.decided,
    deep_verified_at: row.deep_verified_at,
    held: heldOf(row),
  },
})).pipe(TenantStatus);

const lastOf = ({ status, finished_at, error, progress }: StatusRow) =>
  status === null ? null : { status, finished_at, ...(error === null ? {} : { error }), progress };

/** Of a tenant whose rows went both ways before nothing is waited for any more. */
const writeRefusedOf = ({ direction, write_refused_code: code, write_refused: text, ...row }: StatusRow) =>
  direction === "one-way" || code === null ? null : { code, text, since: row.write_refused_at };

/** What a replica is held for, as it is kept and in words. */
function heldOf(row: StatusRow) {
  if (row.held_id === null) return null;
  const finding = Finding.parse({ reason: row.held_reason, detail: row.held_detail });
  return {
    id: row.held_id,
    ...finding,
    text: findingText(finding),
    since: row.held_at,
    accepted: row.held_accepted,
  };
}

/** A row of sync-history.sql, as the API answers it. */
export const PastSync = z.object({
  id: z.string(),
  client: z.string(),
  /** sync or verify. */
  kind: z.string(),
  /** Why it ran: interval, manual, retry, verify. */
  reason: z.string(),
  status: z.string(),
  attempt: z.number(),
  node: z.string().nullable(),
  /** How many runs in a row this stands for, all of which ended like this one. */
  runs: z.number(),
  first_started_at: z.date(),
  started_at: z.date(),
  finished_at: z.date().nullable(),
  /** From its claim to its end, or until now; of the last one, where it stands for several. */
  seconds: z.number(),
  rows: z.coerce.number(),
  bytes: z.coerce.number(),
  /** Rows that a deep verification found to differ. */
  differences: z.coerce.number(),
  /** Table by table, how many and what is the matter with them; null for a sync. */
  differing: z
    .array(
      z.object({
        table: z.string(),
        altered: z.number(),
        missing: z.number(),
        extra: z.number(),
        digest: z.number(),
      }),
    )
    .nullable(),
  progress: Progress,
  error_code: z.string().nullable(),
  error: z.string().nullable(),
});

/** A row of sync-differences.sql, as the API answers it. */
export const Difference = z.object({
  id: z.string(),
  table: z.string(),
  /** The key's columns as text, cut off after 200 characters; null where the table has no key. */
  key: z.record(z.string(), z.string().nullable()).nullable(),
  what: z.enum(["altered", "missing", "extra", "digest"]),
  found_at: z.date(),
});
