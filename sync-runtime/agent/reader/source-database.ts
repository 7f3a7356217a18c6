import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import {
  checkDescriptors,
  type DatabaseFiles,
  type Descriptor,
  openDescriptors,
} from "../../host/descriptor.ts";
import { fileStamp, isTrusted } from "../../host/file-times.ts";
import { READING_SETTINGS } from "../../host/reading-settings.ts";
import { TenantError } from "../../host/tenant-error.ts";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import { bringUpToDate, copyFile, statOf } from "./file-copy.ts";
import { copyWithRemains, type Remains } from "./recovered-copy.ts";
import { type OpenTask, ReaderDescriptor } from "./task.ts";

/** How long a writer may keep a reader out; longer ones are told to the node as busy. */
const BUSY_MILLISECONDS = 3_000;

/** URI parameters: never create, change or lock anything that the tenant would notice. */
const LIVE = "?mode=ro&readonly_shm=1";
const IMMUTABLE = "?immutable=1";

/**
 * How long the lock is held at most in rollback mode: this, or so long per MB of the database. A writer then waits no
 * longer than 250 ms or 1 ms per MB, the time included that it takes to notice. On a machine too busy for that it is
 * tried again, with more patience; Open WebUI gives up a commit after five seconds.
 */
const MIN_STALL_MILLISECONDS = 200;
const STALL_MILLISECONDS_PER_MB = 0.8;
const MAX_STALL_MILLISECONDS = 1_000;
const PATIENCE = [1, 1, 1, 2, 3];

/** A transaction has to be rolled back first, https://sqlite.org/rescode.html#readonly_rollback */
const SQLITE_READONLY_ROLLBACK = 776;

/** A database in a read transaction, and the files beneath it. */
export interface Source {
  database: DatabaseSync;
  files: DatabaseFiles;
}

/**
 * Opens a tenant's database in one read transaction, as its journal's state asks:
 * `live` is read in place, beside the writer; `settled` in place as immutable, and the caller compares stamps
 * afterwards; `rollback` is read from a copy, since a reader's lock keeps the writer from committing; `abandoned`
 * from a copy to which its -wal is added.
 */
export function openSource(task: OpenTask): Source {
  if (task.state === "live" || task.state === "settled")
    return openChecked(task.database, task.state === "live" ? LIVE : IMMUTABLE);
  if (task.state === "abandoned") recover(task, "-wal");
  else {
    try {
      copyBesideWriter(task.database);
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_READONLY_ROLLBACK) throw error;
      recover(task, "-journal");
    }
  }
  return openCopy(task.copyPath);
}

/**
 * Has SQLite finish, on a copy, what an ended application left: add the commits of a -wal to the database, or take
 * back what a transaction that never ended had written.
 */
function recover(task: OpenTask, remains: Remains): void {
  copyWithRemains(task, remains);
  const copied = open(task.copyPath, "", false);
  // A -wal is then read without a -shm. A journal has to be removed, which this would keep.
  if (remains === "-wal") copied.exec("PRAGMA locking_mode = EXCLUSIVE");
  begin(copied);
  copied.exec("COMMIT");
  if (remains === "-wal") copied.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  copied.close();
  const left = statSync(task.copyPath + remains, { throwIfNoEntry: false });
  if (left && left.size > 0)
    throw new TenantError("journal-hot", `What ${task.database}${remains} holds could not be worked off.`);
}

/**
 * Copies a database with a rollback journal as it is at one moment. Only what cannot be done otherwise is done under
 * the shared lock, while which a commit has to wait: first everything is copied without any lock, then what was written
 * since is found by comparing, unless the file's times prove that nothing was. Whether a page was written cannot be
 * told from the change counter: a transaction that was rolled back leaves it as it was, and may have written pages.
 *
 * Whatever the copy holds before, it is exact when the lock ends: SQLite gives a shared lock only while no writer has
 * pages of an open transaction in the file and no journal is left to be rolled back.
 */
function copyBesideWriter(path: string): void {
  const { database, files, before } = openChecked(path, LIVE);
  refuseWal(database, path);
  // The lock ends, and SQLite keeps the file open. Nothing else here may open it: closing it would end SQLite's locks.
  database.exec("COMMIT");
  let isStill = watchFile(files.database);
  copyFile(files.database, ReaderDescriptor.copy);
  for (const patience of PATIENCE) {
    // Copying takes longest: what was written meanwhile is made good before anybody has to wait for it.
    if (!isStill()) {
      isStill = watchFile(files.database);
      bringUpToDate(files.database, ReaderDescriptor.copy);
    }
    begin(database);
    refuseWal(database, path);
    checkDescriptors(before, path);
    const isLate = deadline(patience * stallMilliseconds(files.database));
    const isDone = isStill() || bringUpToDate(files.database, ReaderDescriptor.copy, isLate);
    database.exec("COMMIT");
    if (!isDone) continue;
    database.close();
    return;
  }
  throw new TenantError("database-busy", `${path} could not be read in the time that its writer can wait.`);
}

/** Tells whether a file is certainly as it is now. */
function watchFile(fd: number): () => boolean {
  const found = statOf(fd);
  const trusted = isTrusted(found, BigInt(Date.now()) * 1_000_000n);
  return () => trusted && fileStamp(statOf(fd)) === fileStamp(found);
}

/** How long a comparison may keep a commit waiting, once. */
function stallMilliseconds(fd: number): number {
  const bySize = (Number(statOf(fd).size) / 1e6) * STALL_MILLISECONDS_PER_MB;
  return Math.min(Math.max(MIN_STALL_MILLISECONDS, bySize), MAX_STALL_MILLISECONDS);
}

function deadline(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds;
  return () => performance.now() > end;
}

function refuseWal(database: DatabaseSync, path: string): void {
  if (pragma(database, "journal_mode") === "wal")
    throw new TenantError("database-moved", `${path} was turned to WAL mode while it was opened.`);
}

function openCopy(path: string): Source {
  const copied = open(path, IMMUTABLE);
  begin(copied);
  return { database: copied, files: { database: ReaderDescriptor.copy } };
}

/** A source, and how it was opened. */
interface CheckedDatabase extends Source {
  /** What was open before. */
  before: Descriptor[];
}

/** Opens, begins to read, and only then looks at what was opened. */
function openChecked(path: string, parameters: string): CheckedDatabase {
  const before = openDescriptors();
  const database = open(path, parameters);
  begin(database);
  return { database, files: checkDescriptors(before, path), before };
}

function open(path: string, parameters: string, readOnly = true): DatabaseSync {
  const database = new DatabaseSync(pathToFileURL(path).href + parameters, {
    readOnly,
    readBigInts: true,
    returnArrays: true,
    timeout: BUSY_MILLISECONDS,
    limits: { length: MAX_ROW_BYTES, attach: 0, vdbeOp: 100_000 },
  });
  database.enableDefensive(true);
  database.exec(READING_SETTINGS);
  return database;
}

/** Takes the snapshot: with the first read the transaction's view is fixed. */
function begin(database: DatabaseSync): void {
  database.exec("BEGIN; SELECT count(*) FROM sqlite_schema;");
  if (pragma(database, "encoding") !== "UTF-8")
    throw new TenantError(
      "encoding-unsupported",
      "The database keeps its text as UTF-16; UTF-8 was expected.",
    );
}

const pragma = (database: DatabaseSync, name: "encoding" | "journal_mode"): unknown =>
  Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
