import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, opendir } from "node:fs/promises";
import { REGULAR_FILE } from "../host/regular-file.ts";
import { BackupError } from "./backup-error.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY;

/** Files and directories below one root; a tenant with more is taken for one that wants to fill our memory. */
const MOST_ENTRIES = 500_000;
/** Of directories in directories, each of which is held open. */
const DEEPEST = 64;

/** A directory below a root, or a regular file that is open until the next one is asked for. Paths are relative. */
export type Found =
  | { kind: "directory"; path: Buffer; stat: BigIntStats }
  | { kind: "file"; path: Buffer; stat: BigIntStats; file: FileHandle };

/** What is not stored, because it is no file. */
export interface LeftOut {
  links: number;
  /** Pipes, sockets, devices. */
  others: number;
}

/**
 * Everything below a directory that a hostile tenant may change meanwhile. Each directory is held open while what is in it
 * is looked at, and opened by way of that: whatever is put in its place, nothing outside of the root is ever opened.
 * @param skip told a path, says that neither it nor what is below it is wanted
 * @param leftOut counts what is passed over
 */
export async function* walk(
  root: string,
  skip: (path: string) => boolean,
  leftOut: LeftOut,
): AsyncGenerator<Found> {
  const count = { entries: 0 };
  const top = await open(root, DIRECTORY).catch((cause) => {
    throw unreadable(Buffer.from(root), cause);
  });
  try {
    yield* below(top, Buffer.alloc(0), 0);
  } finally {
    await top.close();
  }

  async function* below(directory: FileHandle, at: Buffer, depth: number): AsyncGenerator<Found> {
    if (depth > DEEPEST)
      throw new BackupError(
        "tenant-unreadable",
        `${shown(at)} is more than ${DEEPEST} directories deep; no backup has that.`,
      );
    for (const name of await namesIn(directory, at, count)) {
      const path = at.length === 0 ? name : Buffer.concat([at, Buffer.from("/"), name]);
      if (skip(path.toString("latin1"))) continue;
      // As long as the directory is open, this leads to it and to nothing else.
      const place = Buffer.concat([Buffer.from(`/proc/self/fd/${directory.fd}/`), name]);
      const seen = await lstat(place).catch(missing);
      if (!seen) continue;
      if (seen.isSymbolicLink()) leftOut.links += 1;
      else if (!seen.isFile() && !seen.isDirectory()) leftOut.others += 1;
      else {
        const file = await open(place, seen.isDirectory() ? DIRECTORY : REGULAR_FILE).catch((error) => {
          // Removed, or made something else, since it was looked at.
          if (["ENOENT", "ELOOP", "ENOTDIR", "ENXIO"].includes(error.code)) return undefined;
          throw unreadable(path, error);
        });
        if (!file) continue;
        try {
          const stat = await file.stat({ bigint: true });
          if (stat.isDirectory()) {
            yield { kind: "directory", path, stat };
            yield* below(file, path, depth + 1);
          } else if (stat.isFile()) yield { kind: "file", path, stat, file };
          else leftOut.others += 1;
        } finally {
          await file.close();
        }
      }
    }
  }
}

/** Names as the bytes they are, in an order that stays the same. */
async function namesIn(directory: FileHandle, at: Buffer, count: { entries: number }): Promise<Buffer[]> {
  const names: Buffer[] = [];
  const path = `/proc/self/fd/${directory.fd}`;
  const entries = await opendir(path, { encoding: "buffer" as BufferEncoding }).catch((cause) => {
    throw unreadable(at, cause);
  });
  for await (const entry of entries) {
    count.entries += 1;
    if (count.entries > MOST_ENTRIES)
      throw new BackupError(
        "tenant-unreadable",
        `There are more than ${MOST_ENTRIES} files and directories; a backup holds that many at most.`,
      );
    names.push(entry.name as unknown as Buffer);
  }
  return names.sort(Buffer.compare);
}

const missing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === "ENOENT") return undefined;
  throw error;
};

const unreadable = (path: Buffer, cause: NodeJS.ErrnoException): BackupError =>
  new BackupError("tenant-unreadable", `${shown(path)} cannot be read: ${cause.code}.`, { cause });

/** A tenant's file name as a log may show it. */
export const shown = (path: Buffer): string => JSON.stringify(path.toString().slice(0, 300));
