import { createHash } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { BackupError } from "./backup-error.ts";
import { sumDatabase } from "./database-copy.ts";
import { FileList, Manifest } from "./manifest.ts";
import type { Restic } from "./restic.ts";
import { readTar, TarError } from "./tar.ts";
import { shown, walk } from "./tree.ts";

/** What lies in a backup, and nothing else does. */
const TOP = new Set(["webui.db", "manifest.json", "config", "data"]);

/**
 * Reads a backup back into an empty folder: `manifest.json`, `webui.db`, `data/`, `config/`. It resolves once everything
 * was found to be what the manifest says; what is in the folder otherwise counts for nothing.
 */
export async function fetchBackup(
  restic: Pick<Restic, "read">,
  snapshot: string,
  folder: string,
  signal: AbortSignal,
): Promise<Manifest> {
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
  return verifyFolder(folder, signal);
}

/**
 * Compares a folder with the manifest in it, byte by byte and row by row.
 * @throws {@link BackupError} `not-equal`, with what differs
 */
export async function verifyFolder(folder: string, signal: AbortSignal): Promise<Manifest> {
  const text = await readFile(join(folder, "manifest.json"), "utf8").catch(() => undefined);
  if (text === undefined)
    throw new BackupError("not-equal", "There is no manifest: it was not stored whole.");
  const manifest = Manifest.parse(JSON.parse(text));
  const { database, files } = manifest;

  const path = join(folder, "webui.db");
  const { size } = await stat(path).catch(() => ({ size: -1 }));
  if (size !== database.bytes)
    throw new BackupError("not-equal", `webui.db has ${size} bytes and should have ${database.bytes}.`);
  const sha256 = await digestOf(path, signal);
  if (sha256 !== database.sha256)
    throw new BackupError("not-equal", `webui.db is another one: ${sha256} instead of ${database.sha256}.`);
  const tables = await sumDatabase(path, signal);
  for (const name of new Set([...Object.keys(tables), ...Object.keys(database.tables)])) {
    const [is, was] = [tables[name], database.tables[name]];
    if (is?.rows !== was?.rows || is?.sum !== was?.sum)
      throw new BackupError(
        "not-equal",
        `Table ${name} has ${is?.rows ?? "no"} rows (${is?.sum}), and ${was?.rows ?? "none"} were stored (${was?.sum}).`,
      );
  }

  const list = new FileList();
  const leftOut = { links: 0, others: 0 };
  for (const top of ["config", "data"])
    for await (const found of walk(join(folder, top), () => false, leftOut)) {
      if (found.kind === "directory") continue;
      const hash = createHash("sha256");
      for await (const chunk of found.file.createReadStream({ autoClose: false, signal })) hash.update(chunk);
      const below = Buffer.concat([Buffer.from(`${top}/`), found.path]);
      list.set(below, hash.digest("hex"), Number(found.stat.size));
    }
  const is = list.digest;
  if (is.sha256 !== files.sha256)
    throw new BackupError(
      "not-equal",
      `There are ${is.count} files with ${is.bytes} bytes (${is.sha256}), and ${files.count} with ${files.bytes} were stored (${files.sha256}).`,
    );
  await rm(join(folder, ".fetched"), { force: true });
  return manifest;
}

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  await using file = await open(path, "r");
  const hash = createHash("sha256");
  for await (const chunk of file.createReadStream({ autoClose: false, signal })) hash.update(chunk);
  return hash.digest("hex");
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
