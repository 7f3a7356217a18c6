import { fileStamp, isTrusted } from "./file-times.ts";
import { type FileHead, readHead } from "./regular-file.ts";
import { databasePath } from "./tenant-directory.ts";
import { TenantError } from "./tenant-error.ts";

/** The SQLite file header, https://sqlite.org/fileformat2.html#the_database_header */
const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const READ_VERSION_AT = 19;
const READ_VERSION_WAL = 2;
const CHANGE_COUNTER_AT = 24;

/** Both copies of the wal-index header, https://sqlite.org/walformat.html#the_wal_index_header */
const WAL_INDEX_HEADER_BYTES = 96;

/**
 * How a database has to be read, by what lies beside it:
 * `live` in WAL mode with its -wal and -shm, in use or killed;
 * `settled` in WAL mode after a clean shutdown, everything in the one file;
 * `abandoned` in WAL mode with a -wal whose -shm somebody removed or did not copy along;
 * `rollback` with a rollback journal, where a reader blocks the writer.
 */
export type JournalState = "live" | "settled" | "abandoned" | "rollback";

/** Whether it is read from a copy. */
export const isCopied = (state: JournalState): boolean => state === "rollback" || state === "abandoned";

/** What a database file looked like at one moment, without reading a table. */
export interface Stamp {
  state: JournalState;
  /** Equal fingerprints mean that nothing was written in between, if the older stamp is trusted. */
  fingerprint: string;
  /** False for a file so freshly written that its times prove nothing yet. */
  trusted: boolean;
  /** Bytes of the database and its -wal together. */
  bytes: number;
}

/**
 * Stamps the database of one data directory. Taken before a snapshot begins it is never newer than the snapshot, so
 * that a write in between shows as a change later.
 * @param now nanoseconds since 1970 by the clock of the kernel that stamps the files
 */
export const takeStamp = (directory: string, now: bigint): Promise<Stamp> =>
  stampDatabase(databasePath(directory), now);

/** The same of any database file. */
export async function stampDatabase(path: string, now: bigint): Promise<Stamp> {
  const database = await readHead(path, HEADER_BYTES);
  if (!database) throw new TenantError("database-missing", `${path} does not exist.`);
  if (database.bytes.length < HEADER_BYTES || database.bytes.toString("latin1", 0, MAGIC.length) !== MAGIC)
    throw new TenantError("database-damaged", `${path} is no SQLite database.`);
  const [wal, index, journal] = await Promise.all([
    readHead(`${path}-wal`, 0),
    readHead(`${path}-shm`, WAL_INDEX_HEADER_BYTES),
    readHead(`${path}-journal`, 0),
  ]);
  return judge({ path, database, wal, index, journal }, now);
}

/** Files of one database, as they were found. */
interface Files {
  path: string;
  database: FileHead;
  wal: FileHead | undefined;
  index: FileHead | undefined;
  journal: FileHead | undefined;
}

function judge({ path, database, wal, index, journal }: Files, now: bigint): Stamp {
  const file = [fileStamp(database.stat), database.bytes.readUInt32BE(CHANGE_COUNTER_AT)];
  const bytes = Number(database.stat.size + (wal?.stat.size ?? 0n));
  /** By the times of the database and of a file beside it whose contents count. */
  const byTimes = (state: JournalState, beside?: FileHead): Stamp => ({
    state,
    fingerprint: [...file, ...(beside ? [fileStamp(beside.stat)] : [])].join(" "),
    trusted: isTrusted(database.stat, now) && (!beside || isTrusted(beside.stat, now)),
    bytes,
  });
  // A journal that a killed application left belongs to the contents: removing it would change them.
  if (database.bytes[READ_VERSION_AT] !== READ_VERSION_WAL) return byTimes("rollback", journal);
  if (!index && journal && journal.stat.size > 0n)
    throw new TenantError("journal-hot", `${path} was being turned to or from WAL mode by what ended.`);
  if (!index) return wal && wal.stat.size > 0n ? byTimes("abandoned", wal) : byTimes("settled");
  if (!wal)
    throw new TenantError(
      "wal-incomplete",
      `${path} is in WAL mode and has a -shm without a -wal: commits may be in a -wal that was removed.`,
    );
  // The index header moves with every commit; the -wal file's own size and times need not (facts: frames are
  // overwritten in place after a reset). So these stamps are trusted however fresh they are.
  const live = [
    ...file,
    wal.stat.dev,
    wal.stat.ino,
    index.stat.dev,
    index.stat.ino,
    index.bytes.toString("hex"),
  ];
  return { state: "live", fingerprint: live.join(" "), trusted: true, bytes };
}
