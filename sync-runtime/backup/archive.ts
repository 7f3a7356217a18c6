import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { faultPoint } from "../fault-point.ts";
import { readHead } from "../host/regular-file.ts";
import { readIdentity } from "../host/tenant-directory.ts";
import type { BackupManifest } from "../protocol/backup-manifest.ts";
import { BackupError } from "./backup-error.ts";
import type { BackedUp } from "./config.ts";
import { copyDatabase } from "./database-copy.ts";
import { FileList, type Manifest } from "./manifest.ts";
import { dumpPostgres, type TenantPostgres } from "./postgres-dump.ts";
import { tarEnd, tarHead, tarPadding } from "./tar.ts";
import { type Found, type LeftOut, shown, walk } from "./tree.ts";

const CHUNK_BYTES = 256 * 1024;

/** A file that is written to while it is read is read so often at most. */
const TRIES = 3;

/** A larger file with less than a sixteenth of it on disk is nothing but a hole that would be read for hours. */
const LARGE_BYTES = 1024n ** 3n;
const DENSE_PART = 16n;

const SQLITE_MAGIC = "SQLite format 3\0";
const DATABASE_NAME = /^[\w.-]{1,100}\.(db|sqlite|sqlite3)$/;
/** Databases beside webui.db; each is copied by a process of its own. */
const MOST_DATABASES = 8;
/** Where vector stores keep theirs, below the data directory. */
const DATABASE_PLACES = ["", "vector_db/"];

/** What Open WebUI makes anew: models it downloads, and speech it has read out or heard. */
const CACHES = ["cache/audio", "cache/embedding", "cache/tiktoken", "cache/whisper"];

/** What is backed up of a tenant. */
export interface ArchiveSource {
  tenant: BackedUp;
  /** Directory that holds its `data`, `config` and `branding`. */
  home: string;
  /** A directory of our own, for copies of its databases. */
  staging: string;
  /** The Postgres that it works on; absent: its SQLite file. */
  postgres?: TenantPostgres | undefined;
  now: () => Date;
}

/** What an archive held, once it has been read to its end. */
export interface Archived {
  manifest: Manifest;
  leftOut: LeftOut;
  /** Files that were written to again and again while they were read: as they were somewhere in between. */
  unsettled: number;
}

/**
 * A tenant's backup as a tar archive: `backup/webui.db` (or `backup/database.dump`), `backup/config/`, `backup/data/`, and at its end
 * `backup/manifest.json`, which says of each byte what it has to be. Order counts: a chat of the database finds its uploads,
 * a vector store's files the rows of its database.
 * @param done is told what it held, at its end
 */
export async function* archive(
  source: ArchiveSource,
  signal: AbortSignal,
  done: (archived: Archived) => void,
): AsyncGenerator<Buffer> {
  const { tenant, home, staging, now, postgres } = source;
  const data = join(home, "data");
  const takenAt = now().toISOString();
  const files = new FileList();
  const leftOut: LeftOut = { links: 0, others: 0 };
  const writer = new Writer(files, signal);
  const identity = await readIdentity(data, tenant.id).catch((cause) => {
    throw new BackupError("tenant-unreadable", (cause as Error).message, { cause });
  });

  const database = postgres
    ? yield* writer.dump(postgres, staging)
    : { format: 1 as const, database: yield* writer.database(data, "webui.db", "webui.db", staging) };
  for (const [directory, at] of [
    ["config", "config"],
    ["branding", "config/branding"],
  ] as const) {
    yield* writer.directory(at);
    yield* writer.tree(
      walk(join(home, directory), () => false, leftOut),
      at,
    );
  }
  const databases = await databasesIn(data);
  // Where it works on a Postgres, its SQLite file is of before that, and nothing uses it.
  const skipped = new Set([
    ...["", "-wal", "-shm", "-journal"].flatMap((suffix) =>
      ["webui.db", ...databases].map((name) => name + suffix),
    ),
    ...CACHES,
  ]);
  yield* writer.directory("data");
  yield* writer.tree(
    walk(data, (path) => skipped.has(path), leftOut),
    "data",
  );
  faultPoint("backup:half-stored");
  for (const name of databases) yield* writer.database(data, name, `data/${name}`, staging);

  const manifest: Manifest = {
    ...database,
    ...{ tenant: tenant.id, identity: identity.id, openWebui: tenant.version, takenAt },
    ...{ files: files.digest, entry: tenant.entry },
  };
  const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
  yield headOf("manifest.json", { kind: "file", mode: 0o600, modified: 0, bytes: text.length });
  yield text;
  yield tarPadding(text.length);
  yield tarEnd();
  done({ manifest, leftOut, unsettled: writer.unsettled });
}

/** Databases of the data directory besides webui.db, by their names in it. */
async function databasesIn(data: string): Promise<string[]> {
  const found: string[] = [];
  for (const place of DATABASE_PLACES) {
    const entries = await opendir(join(data, place)).catch(() => undefined);
    if (!entries) continue;
    for await (const { name } of entries) {
      if (place + name === "webui.db" || !DATABASE_NAME.test(name)) continue;
      if (found.length === MOST_DATABASES) break;
      const head = await readHead(join(data, place, name), SQLITE_MAGIC.length).catch(() => undefined);
      if (head?.bytes.toString("latin1") === SQLITE_MAGIC) found.push(place + name);
    }
  }
  return found.sort();
}

/** What a manifest says of a database, by its kind. */
type Sqlite = Extract<BackupManifest, { format: 1 }>["database"];
type DumpedPostgres = Pick<Extract<BackupManifest, { format: 2 }>, "format" | "database">;

/** Writes entries, and keeps what their contents were. */
class Writer {
  unsettled = 0;
  readonly #files: FileList;
  readonly #signal: AbortSignal;

  constructor(files: FileList, signal: AbortSignal) {
    this.#files = files;
    this.#signal = signal;
  }

  *directory(path: string): Generator<Buffer> {
    yield headOf(path, { kind: "directory", mode: 0o700, modified: 0, bytes: 0 });
  }

  /** A database as it is at one moment; `at` is its path in the backup. */
  async *database(data: string, name: string, at: string, staging: string): AsyncGenerator<Buffer, Sqlite> {
    await using copy = await copyDatabase(data, name, staging, this.#signal);
    await using file = await open(copy.path, "r");
    const stat = await file.stat({ bigint: true });
    const path = Buffer.from(at);
    const { sha256 } = yield* this.#contents(file, path, stat);
    const bytes = Number(stat.size);
    if (at !== "webui.db") this.#files.set(path, sha256, bytes);
    return { bytes, sha256, tables: copy.tables };
  }

  /** A Postgres as it is at one moment. */
  async *dump(postgres: TenantPostgres, staging: string): AsyncGenerator<Buffer, DumpedPostgres> {
    await using dump = await dumpPostgres(postgres, staging, this.#signal);
    await using file = await open(dump.path, "r");
    const stat = await file.stat({ bigint: true });
    const { sha256 } = yield* this.#contents(file, Buffer.from("database.dump"), stat);
    const { server, schema, tables } = dump;
    const database = { kind: "postgres" as const, server, schema, bytes: Number(stat.size), sha256, tables };
    return { format: 2, database };
  }

  /** Everything that was found, below a path of the backup. */
  async *tree(found: AsyncGenerator<Found>, at: string): AsyncGenerator<Buffer> {
    for await (const one of found) {
      this.#signal.throwIfAborted();
      const path = Buffer.concat([Buffer.from(`${at}/`), one.path]);
      const { stat } = one;
      if (one.kind === "directory")
        yield headOf(path, { kind: "directory", ...attributesOf(stat), bytes: 0 });
      else {
        if (stat.size > LARGE_BYTES && stat.blocks * 512n * DENSE_PART < stat.size)
          throw new BackupError(
            "tenant-unreadable",
            `${shown(path)} says that it has ${stat.size} bytes, and hardly any of them is on disk.`,
          );
        yield* this.#settled(one.file, path, stat);
      }
    }
  }

  /** A file; where it is written to meanwhile, once more, and the last entry of a name is the one that counts. */
  async *#settled(file: FileHandle, path: Buffer, first: BigIntStats): AsyncGenerator<Buffer> {
    let stat = first;
    for (let tries = 1; ; tries++) {
      const { sha256, whole } = yield* this.#contents(file, path, stat);
      this.#files.set(path, sha256, Number(stat.size));
      const after = await file.stat({ bigint: true });
      if (
        whole &&
        after.size === stat.size &&
        after.mtimeNs === stat.mtimeNs &&
        after.ctimeNs === stat.ctimeNs
      )
        return;
      if (tries === TRIES) {
        this.unsettled += 1;
        return;
      }
      stat = after;
    }
  }

  /** As many bytes as the file had when it was looked at, whatever becomes of it: with zeros where it was cut. */
  async *#contents(
    file: FileHandle,
    path: Buffer,
    stat: BigIntStats,
  ): AsyncGenerator<Buffer, { sha256: string; whole: boolean }> {
    const bytes = Number(stat.size);
    yield headOf(path, { kind: "file", ...attributesOf(stat), bytes });
    const hash = createHash("sha256");
    let whole = true;
    for (let at = 0; at < bytes; ) {
      this.#signal.throwIfAborted();
      const wanted = Math.min(CHUNK_BYTES, bytes - at);
      // A new buffer each time: it is given away.
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      if (bytesRead === 0) whole = false;
      const chunk = bytesRead === 0 ? Buffer.alloc(wanted) : buffer.subarray(0, bytesRead);
      hash.update(chunk);
      at += chunk.length;
      yield chunk;
    }
    yield tarPadding(bytes);
    return { sha256: hash.digest("hex"), whole };
  }
}

const attributesOf = ({ mode, mtimeMs }: BigIntStats) => ({
  mode: Number(mode) & 0o777,
  modified: Number(mtimeMs) / 1000,
});

const headOf = (path: string | Buffer, entry: Omit<Parameters<typeof tarHead>[0], "path">): Buffer =>
  tarHead({ path: Buffer.concat([Buffer.from("backup/"), Buffer.from(path as string)]), ...entry });
