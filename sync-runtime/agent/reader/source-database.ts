import { readSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { MAX_ROW_BYTES } from "../../protocol/limit.ts";
import { TenantError } from "../tenant-error.ts";
import { checkDescriptors, openDescriptors } from "./descriptor.ts";
import { ReaderDescriptor, type ReaderTask } from "./task.ts";

/** How long a writer may keep a reader out; longer ones are told to the node as busy. */
const BUSY_MILLISECONDS = 3_000;
/** Stays in the processor's cache: larger chunks copied up to twice as slowly. */
const COPY_CHUNK_BYTES = 256 * 1024;

/**
 * Settings that keep a hostile file from making SQLite do more than read its b-trees: no function of the schema is
 * trusted, no page is mapped into memory, cells are checked, nothing can be written.
 */
const SETTINGS = `
  PRAGMA trusted_schema = OFF;
  PRAGMA query_only = ON;
  PRAGMA mmap_size = 0;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
`;

/** URI parameters: never create, change or lock anything that the tenant would notice. */
const LIVE = "?mode=ro&readonly_shm=1";
const IMMUTABLE = "?immutable=1";

/**
 * Opens a tenant's database in one read transaction, as its journal's state asks:
 * `live` is read in place, beside the writer; `settled` in place as immutable, and the caller compares stamps
 * afterwards; `rollback` is copied under one short shared lock, since a long one would keep the writer from committing.
 */
export function openSource(task: ReaderTask): DatabaseSync {
  const path = task.database;
  if (task.state !== "rollback") return openChecked(path, task.state === "live" ? LIVE : IMMUTABLE).database;

  const { database, descriptor } = openChecked(path, LIVE);
  if (pragma(database, "journal_mode") === "wal")
    throw new TenantError("database-moved", `${path} was turned to WAL mode while it was opened.`);
  copy(descriptor, ReaderDescriptor.copy);
  database.close();
  const copied = open(task.copyPath, IMMUTABLE);
  begin(copied);
  return copied;
}

/** Opens, begins to read, and only then looks at what was opened. */
function openChecked(path: string, parameters: string): { database: DatabaseSync; descriptor: number } {
  const before = openDescriptors();
  const database = open(path, parameters);
  begin(database);
  return { database, descriptor: checkDescriptors(before, path) };
}

function open(path: string, parameters: string): DatabaseSync {
  const database = new DatabaseSync(pathToFileURL(path).href + parameters, {
    readOnly: true,
    readBigInts: true,
    returnArrays: true,
    timeout: BUSY_MILLISECONDS,
    limits: { length: MAX_ROW_BYTES, attach: 0, vdbeOp: 100_000 },
  });
  database.enableDefensive(true);
  database.exec(SETTINGS);
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

/** Copies through the very descriptor that was checked. */
function copy(from: number, to: number): void {
  const chunk = Buffer.allocUnsafe(COPY_CHUNK_BYTES);
  for (let at = 0; ; ) {
    const bytes = readSync(from, chunk, 0, chunk.length, at);
    if (bytes === 0) return;
    for (let written = 0; written < bytes; ) written += writeSync(to, chunk, written, bytes - written);
    at += bytes;
  }
}
