import * as z from "zod";

export const Progress = z
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
export type Progress = z.infer<typeof Progress>;

/** What a node says about one tenant's syncs and replica. */
export const TenantSync = z.object({
  id: z.string(),
  paused: z.boolean(),
  /** Where the tenant is in its life, and who moved it there. */
  state: z.object({ is: z.string(), since: z.string(), by: z.string(), reason: z.string() }),
  quarantine: z.object({ since: z.string(), failures: z.number() }).nullable(),
  /** Why decided rows are not written into the tenant's own database, where they are to be. */
  write_refused: z.object({ code: z.string(), text: z.string(), since: z.string() }).nullable().default(null),
  /** Where its live database is when that is a Postgres, without a password; null: its SQLite file. */
  live_database: z.string().nullable().default(null),
  last: z
    .object({
      status: z.string(),
      finished_at: z.string().nullable().default(null),
      error: z.string().optional(),
      progress: Progress.default(null),
    })
    .nullable(),
  /** The job that is being worked on. */
  running: z
    .object({ id: z.string(), kind: z.string(), started_at: z.string(), progress: Progress })
    .nullable()
    .default(null),
  replica: z.object({
    verified_at: z.string().nullable(),
    tables: z.number(),
    rows: z.number(),
    equal: z.boolean(),
    decided: z.number().default(0),
    deep_verified_at: z.string().nullable().default(null),
    held: z
      .object({
        id: z.string(),
        reason: z.string(),
        detail: z.unknown(),
        /** The reason in words. */
        text: z.string(),
        since: z.string(),
        accepted: z.boolean(),
      })
      .nullable()
      .default(null),
  }),
});
export type TenantSync = z.infer<typeof TenantSync>;

/** One row of the history. */
export const PastSync = z.object({
  id: z.string(),
  client: z.string(),
  kind: z.string(),
  reason: z.string(),
  status: z.string(),
  attempt: z.number(),
  node: z.string().nullable(),
  runs: z.number(),
  started_at: z.string(),
  finished_at: z.string().nullable(),
  seconds: z.number(),
  rows: z.number(),
  bytes: z.number(),
  differences: z.number(),
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
export type PastSync = z.infer<typeof PastSync>;

/** `chat: 12,000 of 80,000 rows, 34 of 120 MB` over all tables, led by the one at hand. Null: nothing came yet. */
export function progressText(progress: Progress): string | undefined {
  if (!progress || progress.tables.length === 0) return undefined;
  const sum = (what: "rows" | "rows_total" | "bytes" | "bytes_total") =>
    progress.tables.reduce((all, table) => all + table[what], 0);
  const at = progress.tables.find(({ rows, rows_total }) => rows < rows_total);
  const [bytes, total] = [sum("bytes"), Math.max(sum("bytes"), sum("bytes_total"))];
  const amount = `${numberText(sum("rows"))} of ${numberText(sum("rows_total"))} rows, ${sizeText(bytes)} of ${sizeText(total)}`;
  return at ? `${at.table}: ${amount}` : `${amount}, comparing`;
}

/** How a job ended, for people. */
export function endText(job: PastSync): string {
  const took = `${job.seconds.toFixed(1)} s`;
  switch (job.status) {
    case "unchanged":
      return `equal; nothing was written since the last sync (${took})`;
    case "success":
      return job.kind === "verify"
        ? `${verifiedText(job)} (${took})`
        : `equal; ${numberText(job.rows)} rows and ${sizeText(job.bytes)} came (${took})`;
    default:
      return `${job.status}: ${job.error ?? "no reason was given"}`;
  }
}

function verifiedText({ rows, differences, differing }: PastSync): string {
  if (differences === 0) return `equal; ${numberText(rows)} rows were read back, none differed`;
  const kinds = { altered: "altered", missing: "missing", extra: "too many", digest: "with a wrong digest" };
  const tables = (differing ?? []).map((counts) => {
    const found = (Object.keys(kinds) as (keyof typeof kinds)[]).filter((kind) => counts[kind] > 0);
    return `${counts.table} (${found.map((kind) => `${numberText(counts[kind])} ${kinds[kind]}`).join(", ")})`;
  });
  return `equal again; ${numberText(differences)} rows differed and were repaired: ${tables.join("; ")}`;
}

/** 12345 as `12,345`. */
export const numberText = (value: number): string => value.toLocaleString("en-US");

/** Bytes as `34 MB`, `1.2 GB`: two digits at least, decimal units. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1000 ** step;
  return `${amount < 10 && step > 0 ? amount.toFixed(1) : Math.round(amount)} ${units[step]}`;
}
