import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** Paths of the regular files below a directory, relative to it. */
export const filesBelow = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
};

/** SHA-256 of every file below a directory whose relative path matches. */
export const fingerprints = async (directory: string, paths: RegExp): Promise<Record<string, string>> => {
  const chosen = (await filesBelow(directory)).filter((path) => paths.test(path));
  const sums = chosen.map(async (path) => {
    const content = await readFile(join(directory, path));
    return [path, createHash("sha256").update(content).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(sums));
};
