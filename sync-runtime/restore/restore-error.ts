/** What keeps a file from being rebuilt, by name. */
export type RestoreErrorCode =
  | "input-invalid"
  | "database-unreachable"
  | "replica-missing"
  | "never-verified"
  | "replica-held"
  | "target-exists"
  | "target-unusable"
  | "disk-full"
  | "schema-unusable"
  | "not-equal"
  | "data-lost";

/** No file was made, or none that could be relied on; the message says why and what to do. */
export class RestoreError extends Error {
  override name = "RestoreError";
  readonly code: RestoreErrorCode;

  constructor(code: RestoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Turns what a full disk says, through SQLite or the file system, into words; anything else stays as it is. */
export function explained(error: unknown, path: string): unknown {
  const { code, errcode } = error as { code?: string; errcode?: number };
  if (code !== "ENOSPC" && code !== "EDQUOT" && errcode !== SQLITE_FULL) return error;
  return new RestoreError(
    "disk-full",
    `There is no space left for ${path}. What was written of it is removed; nothing else was changed. ` +
      "Make room there, or choose another place.",
    { cause: error },
  );
}

/** SQLite's result code for a disk that is full. */
const SQLITE_FULL = 13;
