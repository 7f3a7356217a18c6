import { fstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { TenantError } from "./tenant-error.ts";

const DESCRIPTORS = "/proc/self/fd";

/** The files a process may hold for one SQLite database. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];

/** A descriptor of this process, as the kernel sees it. */
export interface Descriptor {
  fd: number;
  /** Device and inode of what it refers to. */
  file: string;
}

/**
 * SQLite's own descriptors of a database. Pages are read through them and no others: when a process closes any
 * descriptor of a file, it loses the locks that it holds on that file through all of them.
 */
export interface DatabaseFiles {
  database: number;
  /** Both or none: in WAL mode. */
  wal?: number;
  shm?: number;
}

/** What this process holds open. */
export function openDescriptors(): Descriptor[] {
  return readdirSync(DESCRIPTORS).flatMap((name) => {
    const fd = Number(name);
    try {
      const { dev, ino } = fstatSync(fd, { bigint: true });
      return { fd, file: `${dev}:${ino}` };
    } catch {
      return []; // the one that listed the directory
    }
  });
}

/**
 * Proves that what SQLite opened is the tenant's own: every descriptor that was not there before is a regular file,
 * lies at the database's path or one of its journals', and is the file that stands there now. A check of the path
 * before opening could be outrun; SQLite keeps these descriptors for the whole transaction.
 */
export function checkDescriptors(before: Descriptor[], databasePath: string): DatabaseFiles {
  const known = new Set(before.map(({ fd, file }) => `${fd} ${file}`));
  const allowed = SUFFIXES.map((suffix) => databasePath + suffix);
  const found = new Map<string, number>();
  for (const { fd, file } of openDescriptors()) {
    if (known.has(`${fd} ${file}`)) continue;
    const target = readlinkSync(`${DESCRIPTORS}/${fd}`);
    const path = target.replace(/ \(deleted\)$/, "");
    if (!allowed.includes(path) || !fstatSync(fd).isFile())
      throw new TenantError(
        "database-not-regular",
        `${databasePath} led to ${target}; only files in ${dirname(databasePath)} are read. No row of it was read.`,
      );
    if (!isTheFileAt(target, file))
      throw new TenantError("database-moved", `${path} was replaced while it was opened.`);
    found.set(target, fd);
  }
  const database = found.get(databasePath);
  if (database === undefined)
    throw new TenantError("database-moved", `${databasePath} was not opened under its own name.`);
  const wal = found.get(`${databasePath}-wal`);
  const shm = found.get(`${databasePath}-shm`);
  return wal === undefined || shm === undefined ? { database } : { database, wal, shm };
}

function isTheFileAt(path: string, file: string): boolean {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && `${stat.dev}:${stat.ino}` === file;
}
