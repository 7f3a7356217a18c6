import type { Failure } from "../protocol/message.ts";

/** Every way in which one tenant's database cannot be read, and what an operator does about it. */
const REMEDIES = {
  "identity-missing":
    "Check that the tenant's data volume is mounted; `npm run up` writes the file for a tenant's own directory.",
  "identity-invalid": "Restore .owui-identity.json from the copy in the tenant's config directory.",
  "database-missing": "Start the tenant once, or check that its data volume is mounted.",
  "database-not-regular":
    "Look at the tenant's data directory: something in the tenant replaced a database file by a link, pipe or device.",
  "database-unreadable": "Check that the data directory is readable by the agent's group (8050).",
  "database-damaged": "Run `PRAGMA integrity_check` on a copy of webui.db; restore it if it is damaged.",
  "database-busy":
    "Nothing; the next sync tries again. If it stays so, look for a stuck writer in the tenant.",
  "database-moved": "Nothing; the next sync tries again.",
  "journal-hot": "Start the tenant: Open WebUI finishes what is unfinished when it opens the database.",
  "wal-incomplete":
    "Put the -wal file back if it was moved; else restart the tenant, and look for chats that are missing.",
  "encoding-unsupported":
    "Open WebUI writes UTF-8; convert the database with `VACUUM INTO` of a UTF-8 connection.",
  "schema-unsupported": "Rename or remove what is named, or exclude the tenant from replication.",
  "row-too-large": "Delete the oversized row in the application.",
  "contents-too-large":
    "Run `PRAGMA integrity_check` on a copy of webui.db: its pages refer to each other in a circle.",
  "spool-full": "Free disk space under the agent's state directory.",
  "reader-failed": "See the agent's log for the reader's last words; the next sync tries again.",
  "reader-stopped": "Nothing if it happens once. If it stays so, look at the size of the tenant's database.",
} as const satisfies Record<string, string>;

export type TenantErrorCode = keyof typeof REMEDIES;

/** One tenant cannot be read. It concerns that tenant alone; its replica keeps what it has. */
export class TenantError extends Error {
  override name = "TenantError";
  readonly code: TenantErrorCode;

  /** @param message what was expected and what was found, as a sentence */
  constructor(code: TenantErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** As it is told to the node. */
  get failure(): Failure {
    return { code: this.code, message: this.message, remedy: REMEDIES[this.code] };
  }
}

/** Whether a code that came from another process is one of ours. */
export const isTenantErrorCode = (code: unknown): code is TenantErrorCode =>
  typeof code === "string" && Object.hasOwn(REMEDIES, code);

/** What stops one tenant's answer, also a full disk of the agent's own; anything else is thrown on. */
export function tenantErrorOf(error: unknown): TenantError {
  if (error instanceof TenantError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
  return new TenantError("spool-full", "The agent's disk is full; the snapshot could not be kept.", {
    cause: error,
  });
}
