import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, filesBelow } from "../source-digest.ts";

/** A directory the engine can build the runtime image from. */
export interface BuildContext {
  /** Relative to the repository, so that a clone elsewhere sees the same. */
  directory: string;
  /** Of every file in it. */
  digest: string;
}

const source = "sync-runtime";
const built = ".build/sync-runtime";

/**
 * The build context of the source as it stands, bundled only when that source was never bundled before: a preview
 * pays for reading some hundred small files. Contexts lie under their content's digest, so that source which bundles
 * to the same leaves everything as it is.
 */
export async function buildContext(repository: string = process.cwd()): Promise<BuildContext> {
  const remembered = join(repository, built, `${sourceDigest(repository)}.source`);
  const known = await readFile(remembered, "utf8").catch(() => undefined);
  const digest = known ?? (await assembled(repository));
  if (known === undefined) await writeFile(remembered, digest);
  return { directory: join(built, digest), digest };
}

/** Puts a new context in place and answers its digest; it is complete before it can be seen under it. */
async function assembled(repository: string): Promise<string> {
  await mkdir(join(repository, built), { recursive: true });
  const staged = await mkdtemp(join(repository, built, "staged-"));
  try {
    // Imported only here: most runs bundle nothing.
    const { bundle } = await import("./bundle.ts");
    await bundle(join(repository, source), staged);
    await cp(join(repository, source, "Dockerfile"), join(staged, "Dockerfile"));
    await cp(join(repository, source, "backup/Dockerfile"), join(staged, "backup.Dockerfile"));
    await cp(join(repository, source, "database/queries"), join(staged, "queries"), { recursive: true });
    const digest = digestOf(staged, filesBelow(staged));
    const directory = join(repository, built, digest);
    // Another run may have put the same content there meanwhile.
    await rename(staged, directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY") throw error;
    });
    return digest;
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Of everything a context is made of: the lock file stands for the packages that end in the bundles. */
function sourceDigest(repository: string): string {
  const runtime = filesBelow(join(repository, source)).map((file) => join(source, file));
  const bundler = import.meta.dirname;
  return digestOf(repository, ["package-lock.json", ...runtime]) + digestOf(bundler, filesBelow(bundler));
}
