import { lstat, mkdtemp, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type BytePath, openFile, readable, staysInside, walk } from "../host/tree.ts";
import { AdoptError } from "./adopt-error.ts";
import { copySettled, openReadOnly, unreadable } from "./database-copy.ts";

/** What `fleet adopt` reports of a source's data. Counts are -1 where the database has no such table. */
export interface Survey {
  database: {
    bytes: number;
    journal: "wal" | "rollback";
    /** Its last writer was killed, or runs: something lies beside it that belongs to it. */
    unclean: boolean;
    /** Migrations that its schema says it has, of Alembic. */
    heads: string[];
    tables: string[];
    users: number;
    /** The oldest first. */
    admins: { email: string; name: string }[];
    chats: number;
    files: number;
    /** Whether admins changed settings inside the application. */
    settings: boolean;
  };
  tree: {
    files: number;
    bytes: number;
    /** Files below `uploads`. */
    uploads: number;
    /** Bytes of what vectors are kept in. */
    vectors: number;
    /** Links that lead elsewhere, pipes, sockets, devices: they are not copied. */
    leftOut: string[];
    leftOutCount: number;
  };
  /** A secret key lies beside the database. */
  keyFile: boolean;
  /** Bytes that the host's disk has free. */
  free: number;
}

const MOST_NAMES = 20;
const MOST_TABLES = 1_000;
const MOST_ADMINS = 50;
const LONGEST_NAME = 200;

/** What lies beside a database, and where its looker may write. */
export interface Surroundings {
  /** The folder that becomes the data; undefined: the database alone. */
  tree: string | undefined;
  /** The folder that becomes its `uploads`, where it lies elsewhere. */
  uploads?: string | undefined;
  without: (path: BytePath) => boolean;
  scratch: string;
}

/** Looks at a source without changing anything. */
export async function survey(
  database: string,
  { tree, uploads, without, scratch }: Surroundings,
): Promise<Survey> {
  const stat = await lstat(database).catch(() => undefined);
  if (!stat?.isFile() || stat.size === 0)
    throw new AdoptError(
      "no-database",
      stat
        ? `${database} is no database, but ${stat.isFile() ? "an empty file" : "no file"}.`
        : `There is no ${database}.`,
    );
  const remains = await Promise.all(
    ["-wal", "-journal"].map((suffix) => lstat(database + suffix).catch(() => undefined)),
  );
  const opened = await openSomehow(database, scratch);
  try {
    const { bavail, bsize } = await statfs(scratch);
    return {
      database: {
        bytes: stat.size,
        unclean: remains.some((one) => one !== undefined && one.size > 0),
        journal: await journalOf(database),
        ...read(opened.database),
      },
      tree: await measured([
        ...(tree === undefined ? [] : [{ folder: tree, below: "", without }]),
        ...(uploads === undefined ? [] : [{ folder: uploads, below: "uploads/", without: () => false }]),
      ]),
      keyFile: await isFile(join(database, "../.webui_secret_key")),
      free: bavail * bsize,
    };
  } catch (error) {
    throw unreadable(database, error);
  } finally {
    opened.database.close();
    await opened.remove();
  }
}

/** Of one whose writer was killed in the middle of a transaction, a copy is looked at. */
async function openSomehow(
  path: string,
  scratch: string,
): Promise<{ database: DatabaseSync; remove: () => Promise<void> }> {
  try {
    return { database: openReadOnly(path).database, remove: async () => {} };
  } catch (error) {
    const folder = await mkdtemp(join(scratch, "survey-"));
    const remove = () => rm(folder, { recursive: true, force: true });
    try {
      const target = { copy: join(folder, "webui.db"), staging: join(folder, "staged") };
      await copySettled(path, target);
      return { database: openReadOnly(join(folder, "webui.db")).database, remove };
    } catch {
      await remove();
      throw unreadable(path, error);
    }
  }
}

function read(database: DatabaseSync): Omit<Survey["database"], "bytes" | "unclean" | "journal"> {
  const rows = (sql: string): Record<string, unknown>[] => database.prepare(sql).all() as never;
  const tables = rows(
    `SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT ${MOST_TABLES}`,
  )
    .map(({ name }) => text(name))
    .filter((name) => !name.startsWith("sqlite_"));
  const has = (table: string) => tables.includes(table);
  const count = (table: string): number =>
    has(table) ? Number(rows(`SELECT count(*) AS n FROM "${table}"`)[0]?.n ?? 0) : -1;
  return {
    heads: has("alembic_version")
      ? rows("SELECT version_num FROM alembic_version LIMIT 10").map(({ version_num }) => text(version_num))
      : [],
    tables,
    users: count("user"),
    admins: has("user")
      ? rows(
          `SELECT email, name FROM "user" WHERE role = 'admin' ORDER BY created_at, id LIMIT ${MOST_ADMINS}`,
        ).map(({ email, name }) => ({ email: text(email), name: text(name) }))
      : [],
    chats: count("chat"),
    files: count("file"),
    settings: count("config") > 0,
  };
}

/** Its header says how it is kept: https://sqlite.org/fileformat2.html#file_format_version_numbers */
async function journalOf(path: string): Promise<Survey["database"]["journal"]> {
  const file = await openFile(Buffer.from(path));
  try {
    const header = await file?.read(Buffer.alloc(100), 0, 100, 0);
    return header?.buffer[18] === 2 ? "wal" : "rollback";
  } finally {
    await file?.close();
  }
}

/** What a database says, cut to a length that can be shown. */
const text = (value: unknown): string => String(value ?? "").slice(0, LONGEST_NAME);

/** A folder, and where in the data it comes to stand. */
interface Measured {
  folder: string;
  below: string;
  without: (path: BytePath) => boolean;
}

async function measured(folders: readonly Measured[]): Promise<Survey["tree"]> {
  const found = { files: 0, bytes: 0, uploads: 0, vectors: 0 };
  const leftOut: BytePath[] = [];
  for (const { folder, below, without } of folders)
    for await (const entry of walk(folder, without)) {
      const path = below + entry.path;
      if (entry.kind === "special" || (entry.kind === "link" && !staysInside(entry.path, entry.target)))
        leftOut.push(path);
      if (entry.kind !== "file") continue;
      found.files += 1;
      found.bytes += Number(entry.stat.size);
      if (path.startsWith("uploads/")) found.uploads += 1;
      if (path.startsWith("vector_db/")) found.vectors += Number(entry.stat.size);
    }
  return { ...found, leftOut: leftOut.slice(0, MOST_NAMES).map(readable), leftOutCount: leftOut.length };
}

async function isFile(path: string): Promise<boolean> {
  const file = await openFile(Buffer.from(path));
  await file?.close();
  return file !== undefined;
}
