import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";

/** Neither follows a link nor waits for a pipe's writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** One regular file. */
export interface FoundFile {
  /** From the folder, as the bytes that it has on disk, each one a character (latin1). */
  path: string;
  bytes: number;
  sha256: string;
}

/** What lies below some parts of a folder. */
export interface FileTree {
  files: FoundFile[];
  /** Paths that are neither a directory nor a regular file. */
  others: string[];
}

/** Reads every regular file below `parts` of a folder that a tenant filled. */
export async function fileTree(folder: string, parts: readonly string[]): Promise<FileTree> {
  const tree: FileTree = { files: [], others: [] };
  const walk = async (path: string): Promise<void> => {
    const at = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
    const found = await lstat(at).catch(() => undefined);
    if (!found) return;
    if (found.isDirectory()) {
      const names = await readdir(at, { encoding: "buffer" });
      for (const name of names) await walk(`${path}/${name.toString("latin1")}`);
    } else if (found.isFile()) tree.files.push({ path, ...(await fileDigest(at)) });
    else tree.others.push(path);
  };
  for (const part of parts) await walk(part);
  return tree;
}

/** Size and sha256 of a regular file, read once. */
export async function fileDigest(path: string | Buffer): Promise<Pick<FoundFile, "bytes" | "sha256">> {
  await using file = await open(path, OPEN_FLAGS);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Digest of the list of files as `sha256sum` prints it, in the order of their paths' bytes. */
export function filesDigest(files: readonly Pick<FoundFile, "sha256" | "path">[]): string {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  const hash = createHash("sha256");
  for (const { sha256, path } of sorted) hash.update(Buffer.from(`${sha256}  ${path}\n`, "latin1"));
  return hash.digest("hex");
}

/** A path for a message. */
export const shown = (path: string): string => {
  const text = Buffer.from(path, "latin1").toString();
  return /^[\x20-\x7e]+$/.test(text) ? text : JSON.stringify(text);
};
