import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, open, readdir, rename, rm, rmdir, statfs, symlink } from "node:fs/promises";
import { filesDigest } from "../host/files-digest.ts";
import {
  type BytePath,
  type Entry,
  openFile,
  pathOf,
  readable,
  stampOf,
  staysInside,
  walk,
} from "../host/tree.ts";
import { AdoptError } from "./adopt-error.ts";
import { type Copied, Ledger } from "./ledger.ts";

/** One folder that is copied. */
export interface Tree {
  from: string;
  /** The folder that it becomes. */
  to: string;
  /** Kept beside, so that the next pass reads only what changed. */
  ledger: string;
  /** What is not copied. */
  without: (path: BytePath) => boolean;
  /** What the copy has from elsewhere. */
  kept: (path: BytePath) => boolean;
  /** Where a file stands until it is whole; on the copy's disk. */
  staged: string;
}

/** What a pass did. */
export interface TreePass {
  files: number;
  bytes: number;
  /** Of them, read by this pass. */
  read: { files: number; bytes: number };
  /** Over the sorted lines `sha256  path`. */
  sha256: string;
  /** Links that lead elsewhere, pipes, sockets and devices: as people read their paths, the first of them. */
  leftOut: string[];
  leftOutCount: number;
  /** Files that changed while they were read: the next pass reads them again. */
  moving: number;
}

/** What else is known of it by who made it. */
interface Pass extends TreePass {
  /** Of the files that were read. */
  paths: BytePath[];
}

const MOST_NAMES = 20;
const CHUNK = 1024 * 1024;
/** What a disk keeps free behind a copy: the application and its neighbours write, too. */
const RESERVE = 256 * 1024 * 1024;

/** The mode of a tenant's folders: its files inherit the agent's group. */
const FOLDER_MODE = 0o2750;

/**
 * Brings a copy up to its source: what changed by its stamps is read, what is gone is removed. Links that stay inside are
 * copied as links; no other link is, and nothing that is no file. Owners and modes become a tenant's own.
 */
export async function copyTree(tree: Tree): Promise<Pass> {
  const ledger = await Ledger.open(tree.ledger);
  const found = await sorted(tree);
  await refuseTooLarge(tree, ledger, found.files);
  const paths: BytePath[] = [];
  const pass = { files: 0, bytes: 0, read: { files: 0, bytes: 0 }, moving: 0 };
  await mkdir(tree.to, { recursive: true });
  await removeOthers(tree, new Map(found.entries.map((entry) => [entry.path, entry.kind])));
  await chmod(tree.to, FOLDER_MODE);
  for (const path of ledger.files.keys()) if (!found.files.has(path)) ledger.files.delete(path);
  for (const entry of found.entries) {
    if (entry.kind === "directory") await makeFolder(pathOf(tree.to, entry.path));
    if (entry.kind === "link") await makeLink(pathOf(tree.to, entry.path), entry.target);
    if (entry.kind !== "file") continue;
    const copied = await copyFile(tree, ledger, entry);
    if (!copied) continue;
    pass.files += 1;
    pass.bytes += copied.bytes;
    if (copied.stamp === "") pass.moving += 1;
    if (!copied.kept) {
      paths.push(entry.path);
      pass.read.files += 1;
      pass.read.bytes += copied.bytes;
    }
  }
  await ledger.save();
  return {
    ...{ ...pass, paths },
    sha256: filesDigest([...ledger.files].map(([path, { sha256 }]) => ({ path, sha256 }))),
    leftOut: found.leftOut.slice(0, MOST_NAMES).map(readable),
    leftOutCount: found.leftOut.length,
  };
}

/** Reads copied files back, all by default, and compares them with what was read of their sources. */
export async function verifyTree(
  { to, ledger: file }: Pick<Tree, "to" | "ledger">,
  only?: readonly BytePath[],
): Promise<void> {
  const { files } = await Ledger.open(file);
  for (const path of only ?? files.keys())
    if ((await sha256Of(pathOf(to, path))) !== files.get(path)?.sha256)
      throw new AdoptError(
        "copy-differs",
        `The copy of ${readable(path)} is not what was read of its source.`,
      );
}

interface Sorted {
  entries: Entry[];
  files: Map<BytePath, bigint>;
  leftOut: BytePath[];
}

async function sorted({ from, without }: Tree): Promise<Sorted> {
  const found: Sorted = { entries: [], files: new Map(), leftOut: [] };
  for await (const entry of walk(from, without)) {
    if (entry.kind === "special" || (entry.kind === "link" && !staysInside(entry.path, entry.target)))
      found.leftOut.push(entry.path);
    else {
      found.entries.push(entry);
      if (entry.kind === "file") found.files.set(entry.path, entry.stat.size);
    }
  }
  return found;
}

/** A file may say that it is larger than any disk. */
async function refuseTooLarge({ to }: Tree, { files: had }: Ledger, files: Map<BytePath, bigint>) {
  let wanted = 0n;
  for (const [path, size] of files) wanted += size - BigInt(had.get(path)?.bytes ?? 0);
  await refuseFull(to, wanted);
}

/** Refuses what would fill the disk, before anything is written. */
export async function refuseFull(folder: string, wanted: bigint): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder, { bigint: true });
  const free = bavail * bsize;
  if (wanted <= 0n || wanted + BigInt(RESERVE) <= free) return;
  throw new AdoptError("no-space", fullText(wanted, free));
}

/** Rounded against the copy: what it takes is never nothing. Pure. */
export const fullText = (wanted: bigint, free: bigint): string =>
  `The copy takes ${(wanted + 999_999n) / 1_000_000n} MB more, and the host's disk has ${free / 1_000_000n} MB free, of which ${BigInt(RESERVE) / 1_000_000n} MB stay free.`;

/** The copy of one file; undefined: it is gone. */
async function copyFile(
  { from, to, staged }: Tree,
  ledger: Ledger,
  { path, stat }: Extract<Entry, { kind: "file" }>,
): Promise<(Copied & { kept: boolean }) | undefined> {
  const known = ledger.files.get(path);
  if (known && known.stamp === stampOf(stat) && (await isThere(pathOf(to, path), known.bytes)))
    return { ...known, kept: true };
  ledger.files.delete(path);
  const source = await openFile(pathOf(from, path));
  if (!source) return undefined;
  try {
    const before = stampOf(await source.stat({ bigint: true }));
    const { sha256, bytes } = await written(source, staged);
    const still = stampOf(await source.stat({ bigint: true })) === before;
    await rename(staged, pathOf(to, path));
    const copied = { stamp: still ? before : "", sha256, bytes };
    ledger.files.set(path, copied);
    return { ...copied, kept: false };
  } finally {
    await source.close();
  }
}

/** Copies what an open file holds into one that is made anew, and reaches the disk. */
export async function written(
  source: Awaited<ReturnType<typeof open>>,
  path: Buffer | string,
): Promise<{ sha256: string; bytes: number }> {
  await rm(path, { recursive: true, force: true });
  const target = await open(path, "wx", 0o640);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(CHUNK);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, CHUNK, bytes);
      if (bytesRead === 0) break;
      const piece = chunk.subarray(0, bytesRead);
      hash.update(piece);
      await target.write(piece, 0, bytesRead, bytes);
      bytes += bytesRead;
    }
    await target.datasync();
    return { sha256: hash.digest("hex"), bytes };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOSPC")
      throw new AdoptError("no-space", "The host's disk is full.", { cause });
    throw cause;
  } finally {
    await target.close();
  }
}

export async function sha256Of(path: Buffer | string): Promise<string> {
  const file = await open(path, "r");
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK, null);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

const isThere = async (path: Buffer, bytes: number): Promise<boolean> => {
  const stat = await lstat(path).catch(() => undefined);
  return stat?.isFile() === true && stat.size === bytes;
};

async function makeFolder(path: Buffer): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, FOLDER_MODE);
}

async function makeLink(path: Buffer, target: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await symlink(Buffer.from(target, "latin1"), path);
}

/** Removes what the copy has and its source has not, or has as something else. */
async function removeOthers(
  tree: Tree,
  wanted: ReadonlyMap<BytePath, Entry["kind"]>,
  folder: BytePath = "",
): Promise<void> {
  const { to, kept } = tree;
  for (const name of await readdir(pathOf(to, folder), { encoding: "latin1" })) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (kept(path)) continue;
    const is = kindOf(await lstat(pathOf(to, path)));
    if (is === "directory") {
      await removeOthers(tree, wanted, path);
      if (wanted.get(path) !== "directory") await rmdir(pathOf(to, path));
    } else if (wanted.get(path) !== is) await rm(pathOf(to, path));
  }
}

const kindOf = (stat: { isDirectory(): boolean; isSymbolicLink(): boolean }): Entry["kind"] =>
  stat.isDirectory() ? "directory" : stat.isSymbolicLink() ? "link" : "file";
