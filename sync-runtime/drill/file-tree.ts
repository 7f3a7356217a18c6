import { createHash } from "node:crypto";
import { lstat, open, readdir } from "node:fs/promises";
import { REGULAR_FILE } from "../host/regular-file.ts";

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
  await using file = await open(path, REGULAR_FILE);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** A path for a message. */
export const shown = (path: string): string => {
  const text = Buffer.from(path, "latin1").toString();
  return /^[\x20-\x7e]+$/.test(text) ? text : JSON.stringify(text);
};
