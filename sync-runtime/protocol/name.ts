/** The longest identifier Postgres keeps whole (NAMEDATALEN - 1), in bytes. */
export const MAX_NAME_BYTES = 63;

/** Names that begin so belong to the replica's own bookkeeping columns and tables. */
export const RESERVED_PREFIX = "_replica_";

/**
 * Why a replica cannot hold a table or column of this name; undefined when it can. Any other character is fine: both
 * databases quote names, and the replica's definer functions do so themselves.
 */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  if (name.includes("\0")) return "it holds a NUL";
  if (!name.isWellFormed() || name.includes("\ufffd")) return "it is not valid UTF-8";
  if (name.toLowerCase().startsWith(RESERVED_PREFIX))
    return `names beginning with ${RESERVED_PREFIX} are reserved`;
  return undefined;
}
