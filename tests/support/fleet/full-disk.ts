import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Fills a folder's disk with a file, so that so many KiB are left; what it gives back makes room again. */
export function fillDisk(folder: string, leftKib: number): () => void {
  const file = join(folder, "filler");
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - leftKib * 1024)));
  return () => rmSync(file, { force: true });
}
