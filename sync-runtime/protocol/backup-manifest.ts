import * as z from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();

/** What `manifest.json` of a backup says has to be found in it again. An interface: it is read years later. */
export const BackupManifest = z.object({
  format: z.literal(1),
  tenant: z.string(),
  /** Whose data it is; null where it had no identity. */
  identity: z.string().nullable(),
  /** Version of the application, `v0.11.3`. */
  openWebui: z.string(),
  takenAt: z.iso.datetime(),
  database: z.object({
    bytes: count,
    sha256: digest,
    /** Rows of each table and the sum of their digests (protocol/table-sum). */
    tables: z.record(z.string(), z.object({ rows: count, sum: digest })),
  }),
  /** Of data/ and config/; `sha256` as host/files-digest.ts makes it. */
  files: z.object({ count, bytes: count, sha256: digest }),
});
export type BackupManifest = z.infer<typeof BackupManifest>;
