import { TenantError, type TenantErrorCode } from "../../host/tenant-error.ts";

/** SQLite's result codes (https://sqlite.org/rescode.html) and what they mean here. */
const SQLITE_CODES: ReadonlyMap<number, TenantErrorCode> = new Map([
  [1, "schema-unsupported"], // SQLITE_ERROR: the schema does not parse, or is not what it says
  [5, "database-busy"], // SQLITE_BUSY
  [8, "journal-hot"], // SQLITE_READONLY: an unfinished transaction would have to be rolled back first
  [10, "database-unreadable"], // SQLITE_IOERR
  [11, "database-damaged"], // SQLITE_CORRUPT
  [14, "database-unreadable"], // SQLITE_CANTOPEN
  [18, "row-too-large"], // SQLITE_TOOBIG
  [26, "database-damaged"], // SQLITE_NOTADB
]);

/** The primary code is in the low byte of an extended one. */
const PRIMARY_CODE = 0xff;

/** What stopped a reader, in the terms of {@link TenantError}. */
export function failureOf(error: unknown): { code: TenantErrorCode; message: string } {
  if (error instanceof TenantError) return { code: error.code, message: error.message };
  const { code, errcode, message } = error as NodeJS.ErrnoException & { errcode?: number };
  if (code === "ENOSPC" || code === "EDQUOT")
    return { code: "spool-full", message: "The agent's disk is full; the snapshot could not be kept." };
  if (errcode === undefined) return { code: "reader-failed", message: `The reader stopped: ${message}.` };
  const known = SQLITE_CODES.get(errcode & PRIMARY_CODE);
  return { code: known ?? "reader-failed", message: `SQLite could not read the database: ${message}.` };
}
