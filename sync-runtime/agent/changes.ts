import { randomUUID } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Identity, Unchanged } from "../protocol/message.ts";
import { runReader } from "./reader-process.ts";
import { Slots } from "./slots.ts";
import { Spool, type SpoolFile } from "./spool.ts";
import { type Stamp, takeStamp } from "./stamp.ts";
import { acknowledge, loadRecord, type SyncPoint, type SyncRecord, saveRecord } from "./sync-record.ts";
import { databasePath, readIdentity } from "./tenant-directory.ts";
import { TenantError } from "./tenant-error.ts";

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
export type Changes =
  | { type: "unchanged"; unchanged: Unchanged }
  | {
      type: "snapshot";
      sync: string;
      generation: number;
      tables: number;
      rows: number;
      bytes: number;
      spool: SpoolFile;
    };

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
  readonly #slots = new Slots(PARALLEL_READERS);
  readonly #now: () => bigint;

  /** @param now nanoseconds since 1970, see {@link takeStamp} */
  constructor(state: string, now: () => bigint) {
    this.#records = join(state, "records");
    this.#spool = new Spool(state);
    this.#now = now;
  }

  /** Makes the state directory ready; what a killed agent left in the spool goes. */
  async prepare(): Promise<void> {
    await mkdir(this.#records, { recursive: true, mode: 0o700 });
    await this.#spool.clear();
  }

  /**
   * Answers for one tenant; the caller sees to it that nobody else asks for the same one meanwhile, and disposes of
   * the snapshot's spool file.
   * @param committed the sync that the replica holds, by the node's word
   */
  async find(tenant: TenantSource, committed: string | null, signal: AbortSignal): Promise<Changes> {
    const path = join(this.#records, `${tenant.id}.json`);
    const known = await loadRecord(path);
    const record = acknowledge(known, committed);
    const identity = await readIdentity(tenant.directory, tenant.id);
    const stamp = await takeStamp(tenant.directory, this.#now());
    if (record.committed && isUnchanged(record.committed, identity, stamp)) {
      if (record !== known) await saveRecord(path, record);
      const { sync, tables, rows } = record.committed;
      return { type: "unchanged", unchanged: { sync, tables, rows } };
    }
    return this.#snapshot(tenant, { path, record, identity }, signal);
  }

  /** Has the tenant read by a process of its own, and remembers what it offered. */
  async #snapshot(
    { id, directory }: TenantSource,
    { path, record, identity }: { path: string; record: SyncRecord; identity: Identity },
    signal: AbortSignal,
  ): Promise<Changes> {
    using _slot = await this.#slots.take(signal);
    const stamp = await takeStamp(directory, this.#now());
    const fileBytes = stamp.bytes + GROWTH_BYTES;
    const sync = randomUUID();
    await using copy = await this.#spool.create(`${id}.db`);
    const spool = await this.#spool.create(`${id}.frames.zst`);
    try {
      const task = {
        sync,
        generation: record.generation,
        identity,
        database: databasePath(directory),
        state: stamp.state,
        copyPath: copy.path,
        maxRows: Math.floor(fileBytes / FILE_BYTES_PER_ROW),
        maxContentBytes: fileBytes * CONTENT_PER_FILE_BYTE,
      };
      const { tables, rows } = await runReader(task, { spool, copy }, signal);
      if (stamp.state === "settled") await this.#expectStill(directory, stamp);
      const fingerprint = stamp.trusted ? stamp.fingerprint : null;
      const pending: SyncPoint = { sync, identity: identity.id, fingerprint, tables, rows };
      // Kept before it is sent: an acknowledgement can only follow.
      await saveRecord(path, { ...record, pending });
      const { size } = await stat(spool.path);
      return { type: "snapshot", sync, generation: record.generation, tables, rows, bytes: size, spool };
    } catch (error) {
      await spool[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** An immutable database is read without any lock: it has to look the same afterwards. */
  async #expectStill(directory: string, before: Stamp): Promise<void> {
    const after = await takeStamp(directory, this.#now());
    if (after.state !== before.state || after.fingerprint !== before.fingerprint)
      throw new TenantError("database-moved", `${directory} came into use while it was read.`);
  }
}

const isUnchanged = (committed: SyncPoint, identity: Identity, stamp: Stamp): boolean =>
  committed.identity === identity.id && committed.fingerprint === stamp.fingerprint;
