import type { JournalState } from "../../host/stamp.ts";
import type { TenantErrorCode } from "../../host/tenant-error.ts";
import type { Header, Identity, Manifest } from "../../protocol/message.ts";

/** Descriptors a reader is started with, beside stdin (closed) and stderr. */
export const ReaderDescriptor = {
  /** Takes every {@link ReaderWord}, a line each. */
  result: 1,
  /** Takes the stream for the node up to its manifest, zstd-compressed. */
  spool: 3,
  /** Takes a copy of the database where it cannot be read in place. */
  copy: 4,
  /** Takes the store of this snapshot. */
  store: 5,
  /** Gives the store of the snapshot that the replica holds; closed when there is none. */
  base: 6,
} as const;

/** How a database is opened that a tenant may have forged. */
export interface OpenTask {
  /** In its real directory; nothing outside of that may be read. */
  database: string;
  state: JournalState;
  /** Where the copy can be opened that is written through {@link ReaderDescriptor.copy}. */
  copyPath: string;
}

/** What a reader process is told, as JSON in its only argument. Nothing in it is secret. `database` is the tenant's webui.db. */
export interface ReaderTask extends OpenTask {
  sync: string;
  generation: number;
  /** The sync whose store is given, and to which the stream may be relative; null for a full stream. */
  base: string | null;
  /** Whether SQLite itself has to read every row, instead of one in some thousands: for verifying deeply. */
  throughSqlite: boolean;
  identity: Identity;
  /** Rows of one table beyond which the database is taken for forged. */
  maxRows: number;
  /** Canonical bytes of all rows beyond which the database is taken for forged. */
  maxContentBytes: number;
}

/** What a reader process says, one JSON text a line: how far it is, and at its end the {@link ReaderResult}. */
export type ReaderWord = ReaderProgress | ReaderResult;

/** So many bytes of the spool, from its beginning, are whole frames that stay as they are. */
export interface ReaderProgress {
  spooled: number;
}

/** How a reader ended. The manifest is not in the spool: it follows when the agent has made sure of the snapshot. */
export type ReaderResult =
  | {
      ok: true;
      manifest: Manifest;
      /** Canonical bytes of the rows that were read. */
      contentBytes: number;
      mode: Header["mode"];
      /** One more than the task's when the base could not be used. */
      generation: number;
      /** Of the whole process, at its end. */
      cpuSeconds: number;
    }
  | { ok: false; code: TenantErrorCode; message: string };
