import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { faultPoint } from "../fault-point.ts";
import { Slots } from "../host/slots.ts";
import { isCopied, type Stamp, takeStamp } from "../host/stamp.ts";
import { databasePath, readIdentity } from "../host/tenant-directory.ts";
import { TenantError } from "../host/tenant-error.ts";
import type { ChangesRequest, Header, Identity, Manifest, Unchanged } from "../protocol/message.ts";
import { type ReaderFiles, type ReaderUsage, readerLimits, runReader } from "./reader-process.ts";
import { Spool, SpoolTail } from "./spool.ts";
import { type NewStore, Stores } from "./stores.ts";
import {
  acknowledge,
  loadRecord,
  type SyncPoint,
  type SyncRecord,
  saveRecord,
  syncsOf,
} from "./sync-record.ts";

/** Readers at a time on one host; each takes up to one core. */
const PARALLEL_READERS = 2;

/**
 * Canonical bytes that a file may give per byte of its own, before it is taken for one whose pages refer to each other
 * in a circle. A stored byte is a value of at most nine; a column added later with a default takes no byte in older
 * rows, so honest files with many of those give more.
 */
const CONTENT_PER_FILE_BYTE = 50;
/** A row takes at least six bytes of its page. */
const FILE_BYTES_PER_ROW = 6;
/** What an application may add between the stamp and the snapshot. */
const GROWTH_BYTES = 16 * 1024 * 1024;

/** What a tenant's changes are. */
export type Changes = { type: "unchanged"; unchanged: Unchanged } | { type: "snapshot"; snapshot: Snapshot };

/** A snapshot whose reader may still run. Dispose of it when it was sent: that waits for the reader. */
export interface Snapshot extends AsyncDisposable {
  sync: string;
  /** Everything up to the manifest, compressed, as it comes from the reader; ends when the reader does, well or not. */
  contents: AsyncIterable<Buffer>;
  /**
   * The reader's end. Resolves when the snapshot is whole, certainly of one moment, and remembered: only then may the
   * manifest be sent. Rejects with a {@link TenantError} when what was read so far counts for nothing.
   */
  ended: Promise<SnapshotEnd>;
}

/** A snapshot that was read to its end. */
export interface SnapshotEnd {
  manifest: Manifest;
  mode: Header["mode"];
  generation: number;
  /** Of the replica, when it holds this. */
  rows: number;
  /** Compressed. */
  bytes: number;
}

/** One tenant to read. */
export interface TenantSource {
  id: string;
  directory: string;
}

/**
 * Finds out what a tenant's replica lacks. It remembers per tenant which snapshot the replica is known to hold and
 * which was offered last; the invariant is that a fingerprint is kept only for contents that were read after it was
 * taken, so that "unchanged" is never said of contents that the replica has not seen.
 */
export class ChangeFinder {
  readonly #records: string;
  readonly #spool: Spool;
  readonly #stores: Stores;
  readonly #slots = new Slots(PARALLEL_READERS);
  readonly #now: () => bigint;
  readonly #used: (tenant: string, usage: ReaderUsage) => void;

  /**
   * @param now nanoseconds since 1970, see {@link takeStamp}
   * @param used is told what each reader used
   */
  constructor(
    state: string,
    now: () => bigint,
    used: (tenant: string, usage: ReaderUsage) => void = () => {},
  ) {
    this.#records = join(state, "records");
    this.#spool = new Spool(state);
    this.#stores = new Stores(state);
    this.#now = now;
    this.#used = used;
  }

  /** Bytes that snapshots take on the agent's disk now. */
  spooledBytes(): Promise<number> {
    return this.#spool.bytes();
  }

  /** Makes the state directory ready; what a killed agent left in the spool goes. */
  async prepare(): Promise<void> {
    await mkdir(this.#records, { recursive: true, mode: 0o700 });
    await this.#spool.clear();
    await this.#stores.prepare(async (tenant) => syncsOf(await loadRecord(this.#recordPath(tenant))));
  }

  #recordPath = (tenant: string): string => join(this.#records, `${tenant}.json`);

  /**
   * Answers for one tenant; the caller sees to it that nobody else asks for the same one meanwhile, and disposes of
   * the snapshot.
   * @param asked what the replica holds, by the node's word, whether it wants every row nevertheless, and what is held
   * @param signal ends the reader as well
   */
  async find(
    tenant: TenantSource,
    { committed, full, held }: ChangesRequest,
    signal: AbortSignal,
  ): Promise<Changes> {
    const path = this.#recordPath(tenant.id);
    const known = await loadRecord(path);
    const identity = await readIdentity(tenant.directory, tenant.id);
    const stamp = await takeStamp(tenant.directory, this.#now());
    // Offered, and waiting for an operator: it stays pending, and the replica needs nothing new to go on waiting.
    const { pending } = known;
    if (!full && held !== null && pending?.sync === held && isUnchanged(pending, identity, stamp))
      return unchangedSince(pending);
    const record = acknowledge(known, committed);
    if (!full && record.committed && isUnchanged(record.committed, identity, stamp)) {
      if (record !== known) await this.#save(tenant, path, record);
      return unchangedSince(record.committed);
    }
    return {
      type: "snapshot",
      snapshot: await this.#snapshot(tenant, { path, record, identity, full }, signal),
    };
  }

  /** Has the tenant read by a process of its own. */
  async #snapshot(tenant: TenantSource, known: Known, signal: AbortSignal): Promise<Snapshot> {
    /** What is given back when the reader has ended. */
    await using begun = new AsyncDisposableStack();
    begun.use(await this.#slots.take(signal));
    const stamp = await takeStamp(tenant.directory, this.#now());
    // What is sent is bounded while it is written; a copy is known to be as large as the database.
    await this.#spool.requireSpace(isCopied(stamp.state) ? stamp.bytes : 0);
    const sync = randomUUID();
    const copy = begun.use(await this.#spool.create(`${tenant.id}.db`));
    const store = begun.use(await this.#stores.create(tenant.id, sync));
    const base = await this.#openBase(tenant, known);
    if (base.file) begun.use(base.file);
    const spool = await this.#spool.create(`${tenant.id}.frames.zst`);
    const tail = new SpoolTail();
    const ended = this.#read(
      { tenant, known, stamp, sync, base, files: { spool, tail, copy, store, base: base.file } },
      begun.move(),
      signal,
    );
    // Seen by whoever sends it, at the latest when it is disposed of; until then it is nobody's failure.
    const over = ended.catch(() => {});
    return {
      sync,
      contents: tail.read(spool.fd),
      ended,
      async [Symbol.asyncDispose]() {
        await over;
        await spool[Symbol.asyncDispose]();
      },
    };
  }

  /**
   * The store that a delta can be relative to: that of the committed sync, if it is of this very data and is there. No
   * delta where there was one before begins the history anew; every row on request does not.
   */
  async #openBase({ id }: TenantSource, { record, identity, full }: Known): Promise<Base> {
    const { committed, generation } = record;
    if (full || !committed) return { sync: null, file: undefined, generation };
    const file = committed.identity === identity.id ? await this.#stores.open(id, committed.sync) : undefined;
    return file
      ? { sync: committed.sync, file, generation }
      : { sync: null, file, generation: generation + 1 };
  }

  /** Saves a record, and only then removes the stores of which it says nothing any more. */
  async #save({ id }: TenantSource, path: string, record: SyncRecord): Promise<void> {
    await saveRecord(path, record);
    await this.#stores.tidy(id, syncsOf(record));
  }

  /** Follows the reader to its end, and remembers what was offered before anything says that it is whole. */
  async #read(
    { tenant, known, stamp, sync, base, files }: Reading,
    begun: AsyncDisposable,
    signal: AbortSignal,
  ): Promise<SnapshotEnd> {
    await using _begun = begun;
    using _tail = { [Symbol.dispose]: () => files.tail.end() };
    const fileBytes = stamp.bytes + GROWTH_BYTES;
    const task = {
      sync,
      generation: base.generation,
      base: base.sync,
      throughSqlite: known.full,
      identity: known.identity,
      database: databasePath(tenant.directory),
      state: stamp.state,
      copyPath: files.copy.path,
      maxRows: Math.floor(fileBytes / FILE_BYTES_PER_ROW),
      maxContentBytes: fileBytes * CONTENT_PER_FILE_BYTE,
    };
    const { manifest, mode, generation } = await runReader(
      task,
      files,
      signal,
      readerLimits(stamp.bytes),
      (usage) => this.#used(tenant.id, usage),
    ).catch(async (error) => {
      // Read without a lock, a database that came into use meanwhile may look damaged.
      if (stamp.state === "settled") await this.#expectStill(tenant.directory, stamp);
      throw error;
    });
    faultPoint("agent:reader-ended");
    if (stamp.state === "settled") await this.#expectStill(tenant.directory, stamp);
    const fingerprint = stamp.trusted ? stamp.fingerprint : null;
    const tables = manifest.tables.length;
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
    const pending: SyncPoint = { sync, identity: known.identity.id, fingerprint, tables, rows };
    // Kept before the manifest is sent, the store before the record: an acknowledgement can only follow.
    await files.store.keep();
    await this.#save(tenant, known.path, { ...known.record, generation, pending });
    faultPoint("agent:pending-saved");
    return { manifest, mode, generation, rows, bytes: files.tail.bytes };
  }

  /** An immutable database is read without any lock: it has to look the same afterwards. */
  async #expectStill(directory: string, before: Stamp): Promise<void> {
    const after = await takeStamp(directory, this.#now());
    if (after.state !== before.state || after.fingerprint !== before.fingerprint)
      throw new TenantError("database-moved", `${directory} came into use while it was read.`);
  }
}

/** What is known of a tenant before it is read. */
interface Known {
  /** Where its record is kept. */
  path: string;
  record: SyncRecord;
  identity: Identity;
  /** Whether every row was asked for. */
  full: boolean;
}

/** What a snapshot is compared with. */
interface Base {
  sync: string | null;
  file: FileHandle | undefined;
  /** The one that this begins or goes on with. */
  generation: number;
}

/** One reading of one tenant. */
interface Reading {
  tenant: TenantSource;
  known: Known;
  stamp: Stamp;
  sync: string;
  base: Base;
  files: ReaderFiles & { store: NewStore };
}

const unchangedSince = ({ sync, tables, rows }: SyncPoint): Changes => ({
  type: "unchanged",
  unchanged: { sync, tables, rows },
});

const isUnchanged = (committed: SyncPoint, identity: Identity, stamp: Stamp): boolean =>
  committed.identity === identity.id && committed.fingerprint === stamp.fingerprint;
