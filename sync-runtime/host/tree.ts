import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { REGULAR_FILE } from "./regular-file.ts";
import { TreeError } from "./tree-error.ts";

/**
 * A path in a source, below its top: a file's name may hold any byte but `/` and NUL, so each character stands for one
 * byte.
 */
export type BytePath = string;

/** As the file system is asked. */
export const pathOf = (root: string, path: BytePath): Buffer =>
  path === "" ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);

/** As people read it: what is no text, or would move their cursor, is shown as `\x1b`. */
export const readable = (path: BytePath): string => {
  const text = Buffer.from(path, "latin1").toString("utf8");
  const shown = Buffer.from(text).equals(Buffer.from(path, "latin1")) ? text : path;
  return shown.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );
};

/** Something in a source's folder. */
export type Entry =
  | { kind: "directory"; path: BytePath }
  | { kind: "file"; path: BytePath; stat: BigIntStats }
  | { kind: "link"; path: BytePath; target: string }
  /** A pipe, a socket, a device. */
  | { kind: "special"; path: BytePath };

/** How deep folders may lie in each other; Open WebUI's are six. */
const DEEPEST = 64;

/**
 * Everything below a folder, parents first. Links are not followed. What vanishes while it is walked, as the source may
 * run, is passed over.
 * @param without paths that are not entered nor told
 */
export async function* walk(
  root: string,
  without: (path: BytePath) => boolean = () => false,
  folder: BytePath = "",
  depth = 0,
): AsyncGenerator<Entry> {
  if (depth > DEEPEST) throw new TreeError(`${readable(folder)} lies deeper than ${DEEPEST} folders.`);
  const names = await readdir(pathOf(root, folder), { encoding: "latin1" }).catch(gone([] as string[]));
  for (const name of names.sort()) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (without(path)) continue;
    const stat = await lstat(pathOf(root, path), { bigint: true }).catch(gone(undefined));
    if (!stat) continue;
    if (stat.isDirectory()) {
      yield { kind: "directory", path };
      yield* walk(root, without, path, depth + 1);
    } else if (stat.isFile()) yield { kind: "file", path, stat };
    else if (stat.isSymbolicLink()) {
      const target = await readlink(pathOf(root, path), { encoding: "latin1" }).catch(gone(undefined));
      if (target !== undefined) yield { kind: "link", path, target };
    } else yield { kind: "special", path };
  }
}

/** Whether a link leads to something in its own folder's tree, wherever that comes to lie. */
export function staysInside(path: BytePath, target: string): boolean {
  if (target === "" || target.startsWith("/")) return false;
  const at = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") at.push(part);
    else if (at.pop() === undefined) return false;
  }
  return true;
}

/** Another value whenever the file may hold something else; nobody but root can set its time of change. */
export const stampOf = ({ size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): string =>
  [size, mtimeNs, ctimeNs, ino, dev].join(":");

/** Neither follows a link nor waits for a pipe's writer. Undefined: it is gone, or is no file any more. */
export async function openFile(path: Buffer): Promise<FileHandle | undefined> {
  const file = await open(path, REGULAR_FILE).catch(gone(undefined, "ELOOP", "ENXIO"));
  if (!file || (await file.stat()).isFile()) return file;
  await file.close();
  return undefined;
}

/** What a call answers where its file is not there any more. */
const gone =
  <T>(instead: T, ...more: string[]) =>
  (cause: NodeJS.ErrnoException): T => {
    if (["ENOENT", "ENOTDIR", ...more].includes(cause.code ?? "")) return instead;
    throw new TreeError(`The source cannot be read: ${cause.code}.`, { cause });
  };
