import { TenantError } from "../../host/tenant-error.ts";
import type { RowWrite } from "../../protocol/write.ts";
import { type RefusalCode, RefusalError, type Refused } from "../refusal-error.ts";

/** SQLite's result codes, https://sqlite.org/rescode.html. The primary code is in the low byte of an extended one. */
const PRIMARY_CODE = 0xff;
/** The -shm could not be made larger. */
const SQLITE_IOERR_SHMSIZE = 4874;

const SQLITE_CODES: ReadonlyMap<number, { code: RefusalCode; found: string }> = new Map([
  [1, { code: "unsupported-schema", found: "SQLite cannot write the table" }], // SQLITE_ERROR
  [5, { code: "busy", found: "The application holds the database's lock" }], // SQLITE_BUSY
  [7, { code: "write-stopped", found: "The write needed more memory than it may" }], // SQLITE_NOMEM
  [8, { code: "database-unreadable", found: "The database cannot be written" }], // SQLITE_READONLY
  [10, { code: "database-unreadable", found: "The database's files cannot be read or written" }], // SQLITE_IOERR
  [11, { code: "database-damaged", found: "The database is damaged" }], // SQLITE_CORRUPT
  [13, { code: "disk-full", found: "The tenant's file system is full" }], // SQLITE_FULL
  [14, { code: "database-unreadable", found: "The database cannot be opened for writing" }], // SQLITE_CANTOPEN
  [18, { code: "row-too-large", found: "A row is larger than any that is replicated" }], // SQLITE_TOOBIG
  [19, { code: "constraint", found: "SQLite refused a row" }], // SQLITE_CONSTRAINT
  [
    23,
    {
      code: "unsupported-schema",
      found: "Writing the row would do more than that; a trigger hides in the schema",
    },
  ], // SQLITE_AUTH
  [26, { code: "database-damaged", found: "The file is no SQLite database" }], // SQLITE_NOTADB
]);

/** Names the row in what is thrown meanwhile. */
export function refusalIn<Result>(
  { table, key }: Pick<RowWrite, "table" | "key">,
  act: () => Result,
): Result {
  try {
    return act();
  } catch (error) {
    const { code, message } = refusedBy(error);
    throw new RefusalError(code, message, { table, key }, { cause: error });
  }
}

/** What stopped a write, in words that a node knows. */
export function refusedBy(error: unknown): Refused {
  if (error instanceof RefusalError) return { code: error.code, message: error.message, row: error.row };
  if (error instanceof TenantError) return { code: error.code, message: error.message, row: {} };
  const { errcode, message } = error as { errcode?: number; message: string };
  const known = errcode === undefined ? undefined : SQLITE_CODES.get(errcode & PRIMARY_CODE);
  const code = errcode === SQLITE_IOERR_SHMSIZE ? "disk-full" : (known?.code ?? "write-stopped");
  return { code, message: `${known?.found ?? "The write stopped"}: ${message}.`, row: {} };
}
