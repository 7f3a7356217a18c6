import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { fileStamp, isWrittenLongAgo } from "../../host/file-times.ts";
import { REGULAR_FILE } from "../../host/regular-file.ts";
import { TenantError } from "../../host/tenant-error.ts";
import { copyFile } from "./file-copy.ts";
import { type OpenTask, ReaderDescriptor } from "./task.ts";

/** Nothing may lie there already. */
const WRITE_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;

/** Ends a journal that belongs to a transaction over several files, https://sqlite.org/fileformat2.html#the_rollback_journal */
const SUPER_JOURNAL_MAGIC = Buffer.from("d9d505f920a163d7", "hex");

/** The file beside a database that holds what an ended application left to be done. */
export type Remains = "-wal" | "-journal";

/**
 * Copies a database that no application has open together with what an ended one left beside it, so that SQLite can
 * finish on the copy what it would do on the original when the application came back. No lock is held meanwhile:
 * that nobody wrote is known by the times of both files, which have to be old enough to prove it.
 */
export function copyWithRemains(task: OpenTask, remains: Remains): void {
  const files = ["", remains].map((suffix) => openAtRest(task.database + suffix));
  const [database, left] = files as [FileAtRest, FileAtRest];
  copyFile(database.fd, ReaderDescriptor.copy);
  const to = openSync(task.copyPath + remains, WRITE_FLAGS, 0o600);
  copyFile(left.fd, to);
  for (const file of files) {
    if (stampAt(file.path) !== fileStamp(file.stat)) throw moved(file.path);
    closeSync(file.fd);
  }
  if (remains === "-journal") refuseSuperJournal(task.database, to);
  closeSync(to);
}

/** A file of the tenant's that was not written to for a while. */
interface FileAtRest {
  path: string;
  fd: number;
  stat: BigIntStats;
}

function openAtRest(path: string): FileAtRest {
  let fd: number;
  try {
    fd = openSync(path, REGULAR_FILE);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw moved(path);
    if (code === "ELOOP")
      throw new TenantError("database-not-regular", `${path} is a link; a file was expected.`);
    throw new TenantError("database-unreadable", `${path} cannot be opened: ${code}.`, { cause });
  }
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile())
    throw new TenantError("database-not-regular", `${path} is no regular file; a file was expected.`);
  if (!isWrittenLongAgo(stat, BigInt(Date.now()) * 1_000_000n)) throw moved(path);
  return { path, fd, stat };
}

const moved = (path: string) =>
  new TenantError("database-moved", `${path} was written to, removed or replaced a moment ago.`);

/** The stamp of what lies at a path now, links not followed; nothing has none. */
function stampAt(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && fileStamp(stat);
}

/** Whether such a transaction is to be rolled back is told by a file that may lie anywhere in the tenant's container. */
function refuseSuperJournal(path: string, journal: number): void {
  const end = Buffer.alloc(SUPER_JOURNAL_MAGIC.length);
  const { size } = fstatSync(journal);
  readSync(journal, end, 0, end.length, Math.max(0, size - end.length));
  if (end.equals(SUPER_JOURNAL_MAGIC))
    throw new TenantError("journal-hot", `${path} holds an unfinished transaction over several files.`);
}
