import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";

/** One snapshot that was offered to the node. */
const SyncPoint = z.object({
  sync: z.uuid(),
  /** Of the data directory read; another identity is another history. */
  identity: z.string(),
  /** Of the database when it was read, null when it was too fresh to prove anything. */
  fingerprint: z.string().nullable(),
  tables: z.int(),
  rows: z.int(),
});
export type SyncPoint = z.infer<typeof SyncPoint>;

const SyncRecord = z.object({
  /** Counts the times a history began anew. */
  generation: z.int(),
  /** What the replica is known to hold. */
  committed: SyncPoint.nullable(),
  /** What was offered last, and may or may not have been committed. */
  pending: SyncPoint.nullable(),
});
/** What the agent remembers of one tenant between syncs. It is a memory, not an authority: losing it costs a full sync. */
export type SyncRecord = z.infer<typeof SyncRecord>;

export const EMPTY_RECORD: SyncRecord = { generation: 0, committed: null, pending: null };

/**
 * The record after a node said which sync its replica holds. The pending one was committed and is promoted, or it was
 * not and is dropped; an id that is neither begins a new generation. So a lost acknowledgement, an older store and an
 * older target are all told apart.
 */
export function acknowledge(record: SyncRecord, committed: string | null): SyncRecord {
  if (record.pending && record.pending.sync === committed)
    return { generation: record.generation, committed: record.pending, pending: null };
  if (record.committed && record.committed.sync === committed)
    return record.pending ? { ...record, pending: null } : record;
  return { generation: record.generation + 1, committed: null, pending: null };
}

/** The syncs that a record speaks of: whose stores may still be needed. */
export const syncsOf = ({ committed, pending }: SyncRecord): string[] =>
  [committed, pending].flatMap((point) => point?.sync ?? []);

/** The record kept in a file; a missing or unusable file is an empty record. */
export async function loadRecord(path: string): Promise<SyncRecord> {
  try {
    return SyncRecord.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return EMPTY_RECORD;
  }
}

/** Replaces the record as a whole: after a crash the file is the old one or the new one. */
export async function saveRecord(path: string, record: SyncRecord): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify(record));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const directory = await open(dirname(path), "r");
  await directory.sync().finally(() => directory.close());
}
