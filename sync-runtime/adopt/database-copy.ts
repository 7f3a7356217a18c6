import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { READING_SETTINGS } from "../host/reading-settings.ts";
import { quoted } from "../host/row-batch.ts";
import { openFile, stampOf } from "../host/tree.ts";
import { AdoptError } from "./adopt-error.ts";
import { refuseFull, sha256Of, written } from "./tree-copy.ts";

/** What SQLite may have beside a database, and must come with it. */
const REMAINS = ["-wal", "-journal"];
const SUFFIXES = ["", ...REMAINS];
/** -shm is made anew. */
export const databaseFiles = (path: string): string[] => [...SUFFIXES, "-shm"].map((suffix) => path + suffix);

/** How long a writer may keep a reader out. */
const BUSY_MS = 5_000;

/** SQLite's results: https://sqlite.org/rescode.html */
const CANTOPEN = 14;
const READONLY_ROLLBACK = 776;

/**
 * Whether SQLite has to write before what a dead writer left can be read: a transaction is to be taken back, or the index of
 * a -wal is to be made, which every living writer has (-shm).
 */
const isLeftOpen = (error: unknown, path: string): boolean => {
  const { errcode } = error as { errcode?: number };
  const lacksIndex = existsSync(`${path}-wal`) && !existsSync(`${path}-shm`);
  return errcode === READONLY_ROLLBACK || (errcode === CANTOPEN && lacksIndex);
};

/** What was copied. */
export interface DatabaseCopy {
  bytes: number;
  /** Of the copy, one file. */
  sha256: string;
  /** By table. */
  rows: Record<string, number>;
}

/** A database that may only be read, opened as its journal's state asks. */
export function openReadOnly(path: string): { database: DatabaseSync; settled: boolean } {
  // Closed by its last writer, a database in WAL mode has no -shm, and none can be made here; a beginning writer makes one.
  const settled = !["-wal", "-shm", "-journal"].some((suffix) => existsSync(path + suffix));
  const url = new URL(pathToFileURL(path).href + (settled ? "?immutable=1" : "?mode=ro&readonly_shm=1"));
  const database = new DatabaseSync(url, { readOnly: true, timeout: BUSY_MS });
  try {
    database.exec(READING_SETTINGS);
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return { database, settled };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Where a copy comes to stand, and the folder on the same disk that is its own until it is whole. */
export interface CopyTarget {
  copy: string;
  staging: string;
}

/**
 * Copies a database beside its writer, as it is at one moment, by SQLite's backup: a writer is kept from its commit for a
 * part of a second at a time, unless it writes so often that only a copy in one piece gets through.
 */
export async function copyLive(path: string, target: CopyTarget): Promise<DatabaseCopy> {
  const staged = await stagedIn(path, target);
  const attempts = [PIECE_PAGES, 10 * PIECE_PAGES, WHOLE];
  for (const pages of attempts) {
    await removeAll(staged);
    const before = await stampsOf(path);
    let opened: ReturnType<typeof openReadOnly>;
    try {
      opened = openReadOnly(path);
    } catch (error) {
      // SQLite works that off on a copy.
      if (isLeftOpen(error, path)) return await copySettled(path, target);
      throw unreadable(path, error);
    }
    const { database: source, settled } = opened;
    try {
      const isWal = source.prepare("PRAGMA journal_mode").get()?.journal_mode === "wal";
      if (await backedUp(source, staged, isWal ? WHOLE : pages)) {
        source.close();
        // Nothing is locked in what is taken for settled: it has to look the same afterwards.
        if (settled && (await stampsOf(path)) !== before) continue;
        return await finished(staged, target.copy);
      }
    } catch (error) {
      throw error instanceof AdoptError ? error : unreadable(path, error);
    } finally {
      if (source.isOpen) source.close();
    }
  }
  throw new AdoptError(
    "database-unreadable",
    "The database is written without a pause: no copy got through.",
  );
}

/** 8 MB: what a disk reads in a few hundredths of a second. */
const PIECE_PAGES = 2_000;
const WHOLE = 2 ** 31 - 1;
/** Each commit of another process begins a backup anew. */
const MOST_RESTARTS = 5;

/** False: its writer began it anew too often. */
async function backedUp(source: DatabaseSync, staged: string, rate: number): Promise<boolean> {
  let restarts = 0;
  let left = Number.POSITIVE_INFINITY;
  try {
    await backup(source, staged, {
      rate,
      progress: ({ remainingPages }) => {
        if (remainingPages >= left) restarts += 1;
        left = remainingPages;
        if (restarts > MOST_RESTARTS) throw new RestartedError();
      },
    });
    return true;
  } catch (error) {
    if (error instanceof RestartedError) return false;
    throw error;
  }
}

class RestartedError extends Error {}

/**
 * Copies a database that nobody writes, byte by byte and proven so, with what SQLite left beside it, and has SQLite work
 * that off on the copy. Throws where somebody writes it all the same.
 */
export async function copySettled(path: string, target: CopyTarget): Promise<DatabaseCopy> {
  const staged = await stagedIn(path, target);
  const before = await stampsOf(path);
  for (const suffix of SUFFIXES) await copyProven(path + suffix, staged + suffix);
  if ((await stampsOf(path)) !== before)
    throw new AdoptError(
      "source-changed",
      "The database was written while it was copied: something still runs on it.",
    );
  try {
    workOff(staged);
  } catch (error) {
    throw unreadable(path, error);
  }
  return await finished(staged, target.copy);
}

async function copyProven(from: string, to: string): Promise<void> {
  const source = await openFile(Buffer.from(from));
  if (!source) return;
  try {
    const { sha256 } = await written(source, to);
    if ((await sha256Of(to)) !== sha256 || (await sha256Of(from)) !== sha256)
      throw new AdoptError("copy-differs", `The copy of ${from} is not what its source holds.`);
  } finally {
    await source.close();
  }
}

/** Adds the commits of a -wal, takes back what a transaction that never ended had written, and leaves one file. */
function workOff(path: string): void {
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    database.exec("PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;");
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;");
  } finally {
    database.close();
  }
}

/** A whole copy takes the place of the one before. */
async function finished(staged: string, copy: string): Promise<DatabaseCopy> {
  const rows = countedWhole(staged);
  for (const suffix of [...REMAINS, "-shm"]) await rm(staged + suffix, { force: true });
  const file = await open(staged, "r+");
  try {
    await file.chmod(0o640);
    await file.sync();
  } finally {
    await file.close();
  }
  const { size } = await lstat(staged);
  const sha256 = await sha256Of(staged);
  await rename(staged, copy);
  return { bytes: size, sha256, rows };
}

/** How many rows each table has, once SQLite finds nothing wrong with the file. */
function countedWhole(path: string): Record<string, number> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec(READING_SETTINGS);
    const said = database
      .prepare("PRAGMA quick_check(3)")
      .all()
      .map((row) => String(Object.values(row)[0]));
    if (said.join() === "ok") return rowsOf(database);
    throw new AdoptError(
      "database-damaged",
      `SQLite finds the database damaged: ${said.join("; ").slice(0, 500)}`,
    );
  } catch (error) {
    throw error instanceof AdoptError ? error : unreadable(path, error);
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync): Record<string, number> {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' LIMIT 1000")
    .all();
  return Object.fromEntries(
    tables.flatMap(({ name }) => {
      try {
        return [
          [
            String(name),
            Number(database.prepare(`SELECT count(*) AS n FROM ${quoted(String(name))}`).get()?.n),
          ],
        ];
      } catch {
        // A virtual table whose module is not here.
        return [];
      }
    }),
  );
}

/** Room for it, beside the copy of before, which stays until the new one is whole. */
async function stagedIn(path: string, { staging }: CopyTarget): Promise<string> {
  const sizes = await Promise.all(
    SUFFIXES.map((suffix) =>
      lstat(path + suffix, { bigint: true }).then(
        ({ size }) => size,
        () => 0n,
      ),
    ),
  );
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true, mode: 0o700 });
  await refuseFull(
    staging,
    sizes.reduce((sum, size) => sum + size, 0n),
  );
  return join(staging, "webui.db");
}

async function stampsOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for (const suffix of SUFFIXES) {
    const stat = await lstat(path + suffix, { bigint: true }).catch(() => undefined);
    hash.update(`${suffix} ${stat ? stampOf(stat) : "-"}\n`);
  }
  return hash.digest("hex");
}

const removeAll = async (path: string): Promise<void> => {
  for (const file of databaseFiles(path)) await rm(file, { recursive: true, force: true });
};

export const unreadable = (path: string, cause: unknown): AdoptError =>
  cause instanceof AdoptError
    ? cause
    : new AdoptError(
        "database-unreadable",
        `${path} cannot be read as a database: ${(cause as Error).message}`,
        {
          cause,
        },
      );
