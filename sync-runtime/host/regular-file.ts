import { type BigIntStats, constants } from "node:fs";
import { open } from "node:fs/promises";
import { TenantError } from "./tenant-error.ts";

/**
 * Neither follows a link at the end of the path nor waits for a pipe's writer. The path's directories are not the
 * tenant's to change.
 */
export const REGULAR_FILE =
  constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The beginning of a regular file, and the file's stamps at that moment. */
export interface FileHead {
  stat: BigIntStats;
  /** At most as many bytes as were asked for; fewer when the file is shorter. */
  bytes: Buffer;
}

/**
 * Reads the first bytes of a file that a hostile tenant may replace at any moment: what was opened is what was judged
 * and read. No file is undefined; a link, pipe, device or directory is a {@link TenantError}.
 */
export async function readHead(path: string, length: number): Promise<FileHead | undefined> {
  const file = await open(path, REGULAR_FILE).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    if (cause.code === "ELOOP")
      throw new TenantError("database-not-regular", `${path} is a link; a file was expected.`);
    throw new TenantError("database-unreadable", `${path} cannot be opened: ${cause.code}.`, { cause });
  });
  if (!file) return undefined;
  try {
    const stat = await file.stat({ bigint: true });
    if (!stat.isFile())
      throw new TenantError("database-not-regular", `${path} is no regular file; a file was expected.`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return { stat, bytes: buffer.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
}
