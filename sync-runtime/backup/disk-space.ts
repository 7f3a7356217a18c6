import { statfs } from "node:fs/promises";
import { BackupError } from "./backup-error.ts";

/** What stays free of the host's disk: Open WebUI cannot write to a full one. */
export const RESERVED_BYTES = 512 * 1024 * 1024;

/** Refuses to begin what would not fit. */
export async function requireSpace(directory: string, needed: number): Promise<void> {
  const free = await freeBytes(directory);
  if (free - needed < RESERVED_BYTES) throw diskFull(free, needed);
}

export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** @param needed 0 where that is not known */
export const diskFull = (free: number, needed: number): BackupError =>
  new BackupError(
    "disk-full",
    `${megabytes(free)} MB are free on the host's disk, of which ${megabytes(RESERVED_BYTES)} MB stay free; ` +
      `a copy of the database ${needed > 0 ? `takes ${megabytes(needed)} MB` : "would not fit"}.`,
  );

const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
