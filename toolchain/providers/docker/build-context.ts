import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** A `.dockerignore` line as a regular expression over paths relative to the context. */
const patternOf = (line: string): { matches: RegExp; keeps: boolean } => {
  const keeps = line.startsWith("!");
  const glob = (keeps ? line.slice(1) : line).trim().replace(/^\/+|\/+$/g, "");
  const source = glob
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    })
    .join("");
  // A pattern covers what lies under what it names.
  return { matches: new RegExp(`^${source}(?:/.*)?$`), keeps };
};

/** Whether a path is left out of the context; the last line that matches decides. */
export const ignoredBy = (ignoreFile: string): ((path: string) => boolean) => {
  const patterns = ignoreFile
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map(patternOf);
  return (path) => {
    const last = patterns.findLast(({ matches }) => matches.test(path));
    return last !== undefined && !last.keeps;
  };
};

/** Docker's own order: the Dockerfile's ignore file, then the context's. */
const readIgnoreFile = async (context: string, dockerfile: string): Promise<string> => {
  const read = (path: string) => readFile(path, "utf8").catch(() => undefined);
  return (await read(`${dockerfile}.dockerignore`)) ?? (await read(join(context, ".dockerignore"))) ?? "";
};

/** Files may be large: they are streamed. */
const hashFile = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
};

/** Name, mode and content of everything below a folder, in a fixed order. */
const entriesBelow = async (
  root: string,
  folder: string,
  ignored: (path: string) => boolean,
): Promise<string[]> => {
  const names = (await readdir(join(root, folder))).sort();
  const lines: string[] = [];
  for (const name of names) {
    const path = folder === "" ? name : `${folder}/${name}`;
    const full = join(root, path);
    const stats = await lstat(full);
    if (stats.isDirectory()) {
      // Something below an ignored folder may be kept by a later line, so folders are always entered.
      lines.push(...(await entriesBelow(root, path, ignored)));
    } else if (!ignored(path)) {
      const content = stats.isSymbolicLink() ? await readlink(full) : await hashFile(full);
      lines.push(`${path}\0${(stats.mode & 0o7777).toString(8)}\0${content}`);
    }
  }
  return lines;
};

/**
 * A digest of everything a build would see: names, modes and contents, with the Dockerfile once more under a fixed
 * name. The same files give the same digest on any machine; it is not the real plugin's, which nobody may rely on.
 */
export const contextDigest = async (context: string, dockerfile: string): Promise<string> => {
  const ignored = ignoredBy(await readIgnoreFile(context, dockerfile));
  const lines = [`Dockerfile\0${await hashFile(dockerfile)}`, ...(await entriesBelow(context, "", ignored))];
  return createHash("sha256").update(lines.join("\0\0")).digest("hex");
};
