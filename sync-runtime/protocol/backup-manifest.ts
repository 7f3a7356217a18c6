import * as z from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();

const common = {
  tenant: z.string(),
  /** Whose data it is; null where it had no identity. */
  identity: z.string().nullable(),
  /** Version of the application, `v0.11.3`. */
  openWebui: z.string(),
  takenAt: z.iso.datetime(),
  /** Of data/ and config/; `sha256` as host/files-digest.ts makes it. */
  files: z.object({ count, bytes: count, sha256: digest }),
};

/** A database's file in the backup. */
const file = { bytes: count, sha256: digest };

/** Rows of each table and the sum of their digests, printed as protocol/table-sum does. */
const tables = z.record(z.string(), z.object({ rows: count, sum: digest }));

/**
 * What `manifest.json` of a backup says has to be found in it again. An interface: it is read years later. Format 1 holds an
 * SQLite file, whose rows' digests are protocol/row-digest's; format 2 a dump of a Postgres, whose rows' digests are
 * drill/postgres-sums.ts'.
 */
export const BackupManifest = z.discriminatedUnion("format", [
  z.object({ format: z.literal(1), ...common, database: z.object({ ...file, tables }) }),
  z.object({
    format: z.literal(2),
    ...common,
    database: z.object({
      kind: z.literal("postgres"),
      /** Major version of the server that was dumped. */
      server: z.int(),
      /** The one that was dumped. */
      schema: z.string(),
      ...file,
      tables,
    }),
  }),
]);
export type BackupManifest = z.infer<typeof BackupManifest>;

/** The latest format that is known here. */
export const LATEST_FORMAT = 2;

/** Where a backup has its database. */
export const databaseFile = ({ format }: Pick<BackupManifest, "format">): "webui.db" | "database.dump" =>
  format === 1 ? "webui.db" : "database.dump";
