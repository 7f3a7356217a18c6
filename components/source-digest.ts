import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Every file below a directory, relative to it and sorted; packages installed there are not its own. */
export const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("node_modules/"))
    .sort();

/** First 16 hex digits of one digest over files' names and contents, both of which count. */
export function digestOf(directory: string, files: string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(join(directory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}
