import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Where the statements stand: beside this file in the source tree, and beside the bundle (/app/node.mjs) in the image,
 * which has a copy of this folder.
 */
const FOLDER = join(import.meta.dirname, "queries");

const loaded = new Map<string, string>();

/** The statement kept in `queries/<name>.sql`, read once per process. */
export function query(name: string): string {
  let text = loaded.get(name);
  if (text === undefined) {
    text = readFileSync(join(FOLDER, `${name}.sql`), "utf8");
    loaded.set(name, text);
  }
  return text;
}
