import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** A directory the engine can build the runtime image from. */
export interface BuildContext {
  /** Relative to the repository, so that a clone elsewhere sees the same. */
  directory: string;
  /** First 16 hex digits of the digest of every file in it. */
  digest: string;
}

const source = "sync-runtime";
const built = ".build/sync-runtime";

/**
 * The build context of the source as it stands, bundled only when that source was never bundled before: a preview
 * pays for reading some sixty small files. Contexts lie under their content's digest, so that source which bundles
 * to the same leaves everything as it is.
 */
export async function buildContext(repository: string = process.cwd()): Promise<BuildContext> {
  const key = await digestOf(repository, await sources(repository));
  const remembered = join(repository, built, `${key}.source`);
  const known = await readFile(remembered, "utf8").catch(() => undefined);
  if (known !== undefined) return { directory: join(built, known), digest: known };

  const staged = await assemble(repository);
  const digest = await digestOf(staged, await filesBelow(staged));
  const directory = join(built, digest);
  // Another run may have put the same content there meanwhile.
  await rename(staged, join(repository, directory)).catch(() => rm(staged, { recursive: true }));
  await writeFile(remembered, digest);
  return { directory, digest };
}

/** Bundles and what they read, in a directory of their own until they are complete. */
async function assemble(repository: string): Promise<string> {
  await mkdir(join(repository, built), { recursive: true });
  const staged = await mkdtemp(join(repository, built, "staged-"));
  // Imported only here: most runs bundle nothing.
  const { bundle } = await import("./bundle.ts");
  await bundle(join(repository, source), staged);
  await cp(join(repository, source, "Dockerfile"), join(staged, "Dockerfile"));
  await cp(join(repository, source, "database/queries"), join(staged, "queries"), { recursive: true });
  return staged;
}

/** Everything the context is made of: the lock file stands for the packages that end in the bundle. */
async function sources(repository: string): Promise<string[]> {
  const own = await filesBelow(join(repository, source));
  const bundler = await filesBelow(import.meta.dirname);
  return [
    "package-lock.json",
    ...own.map((file) => join(source, file)),
    ...bundler.map((file) => join("components/runtime-image", file)),
  ];
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("node_modules/"))
    .sort();
}

/** One digest over names and contents, which both count. */
async function digestOf(directory: string, files: string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = await readFile(join(directory, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}
