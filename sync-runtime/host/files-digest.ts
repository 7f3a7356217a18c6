import { createHash } from "node:crypto";

/**
 * sha256 over the lines `sha256  path`, each ended by a line feed, in the order of their paths' bytes: what `sha256sum`
 * prints of them. A path is as its bytes on disk are, each one a character (latin1).
 */
export function filesDigest(files: Iterable<{ path: string; sha256: string }>): string {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  const hash = createHash("sha256");
  for (const { sha256, path } of sorted) hash.update(Buffer.from(`${sha256}  ${path}\n`, "latin1"));
  return hash.digest("hex");
}
