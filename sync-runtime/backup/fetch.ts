import { chmod, mkdir, open, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Verified, verify } from "../drill/verify.ts";
import { BackupError } from "./backup-error.ts";
import type { Restic } from "./restic.ts";
import { readTar, TarError } from "./tar.ts";
import { shown } from "./tree.ts";

/** What lies in a backup, and nothing else does. */
const TOP = new Set(["webui.db", "database.dump", "manifest.json", "config", "data"]);

/**
 * Reads a backup back into an empty folder: `manifest.json`, `webui.db` or `database.dump`, `data/`, `config/`. It resolves once everything
 * was found to be what the manifest says; what is in the folder otherwise counts for nothing.
 * @param tenant whose it has to be
 * @throws {@link BackupError} `not-equal`, with what differs
 */
export async function fetchBackup(
  restic: Pick<Restic, "read">,
  tenant: string,
  snapshot: string,
  folder: string,
  signal: AbortSignal,
): Promise<Verified> {
  try {
    for await (const entry of readTar(restic.read(snapshot, signal))) {
      const place = placeOf(entry.path, folder);
      if (entry.kind === "directory") {
        await mkdir(place, { recursive: true, mode: 0o700 });
        continue;
      }
      await mkdir(parentOf(place), { recursive: true, mode: 0o700 });
      const staged = Buffer.concat([parentOf(place), Buffer.from("/.fetched")]);
      // The last entry of a name is the one that counts.
      await using file = await open(staged, "w", 0o600);
      for await (const chunk of entry.contents) await file.writeFile(chunk);
      await chmod(staged, entry.mode);
      await utimes(staged, entry.modified, entry.modified);
      await rename(staged, place);
    }
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw new BackupError("not-equal", `The archive of ${snapshot} is not whole: it has ${error.message}.`, {
      cause: error,
    });
  }
  await rm(join(folder, ".fetched"), { force: true });
  const verdict = await verify(folder, tenant, signal);
  if ("problems" in verdict)
    throw new BackupError("not-equal", `${snapshot} is not what was stored: ${verdict.problems.join("; ")}.`);
  return verdict.verified;
}

/** Where an entry goes; an archive that leads out of the folder is none of ours. */
function placeOf(path: Buffer, folder: string): Buffer {
  const [first, top, ...rest] = path.toString("latin1").split("/");
  const inside = rest.every((name) => name !== "" && name !== "." && name !== "..");
  if (first !== "backup" || top === undefined || !TOP.has(top) || !inside || path.includes(0))
    throw new TarError(`an entry ${shown(path)}`);
  return Buffer.concat([Buffer.from(`${folder}/`), path.subarray("backup/".length)]);
}

const parentOf = (place: Buffer): Buffer => place.subarray(0, place.lastIndexOf("/"));
