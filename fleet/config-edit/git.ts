import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, relative } from "node:path";
import { run } from "../../toolchain/setup/child.mjs";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import type { Edit } from "./edit.ts";
import { edited, withSalt } from "./edited.ts";

/** A stack's file in a Git checkout. */
export interface Tracked {
  /** The file's folder, where git is run. */
  folder: string;
  file: string;
  /** Its path from the checkout's top, as Git has it. */
  name: string;
  /** Whether it is as HEAD has it. */
  clean: boolean;
}

const git = (folder: string, args: readonly string[], input?: string | Uint8Array, env?: NodeJS.ProcessEnv) =>
  run(["git", ...args], {
    cwd: folder,
    ...(input !== undefined && { input }),
    env: { ...process.env, ...env },
  });

/** A file that comes with an edit of the config. */
export interface Companion {
  /** Absolute. */
  path: string;
  content: Uint8Array;
}

/** What Git knows of a file; undefined where it is in no checkout, or not committed there. */
export async function tracked(file: string): Promise<Tracked | undefined> {
  const folder = dirname(file);
  const listed = await git(folder, ["ls-tree", "--full-name", "--name-only", "HEAD", "--", file]);
  const name = listed.stdout.trim();
  if (listed.code !== 0 || name === "") return undefined;
  const differs = await git(folder, ["diff", "--quiet", "HEAD", "--", file]);
  return { folder, file, name, clean: differs.code === 0 };
}

/**
 * Commits the file as it is, with those that come with it as far as they lie in the same checkout, and nothing else;
 * answers the commit, or why there is none.
 */
export async function commitFile(
  tracked: Tracked,
  message: string,
  companions: readonly Companion[] = [],
): Promise<{ commit: string } | { failure: string }> {
  const { folder, file } = tracked;
  const names = [...(await named(tracked, companions)).keys()];
  const top = (await git(folder, ["rev-parse", "--show-toplevel"])).stdout.trim();
  const paths = [file, ...names.map((name) => join(top, name))];
  // What Git has never seen has to be made known to it first.
  if (names.length > 0) await git(folder, ["add", "--", ...paths.slice(1)]);
  const made = await git(folder, ["commit", "--quiet", "--only", "--message", message, "--", ...paths]);
  if (made.code !== 0) return { failure: lastLine(made.stderr || made.stdout) };
  return { commit: (await git(folder, ["rev-parse", "HEAD"])).stdout.trim() };
}

/** The companions that lie in the file's checkout, by their paths from its top. */
async function named(
  { folder }: Tracked,
  companions: readonly Companion[],
): Promise<Map<string, Uint8Array>> {
  const top = (await git(folder, ["rev-parse", "--show-toplevel"])).stdout.trim();
  return new Map(
    companions
      .map(({ path, content }) => [relative(top, path), content] as const)
      .filter(([name]) => !name.startsWith("..") && !isAbsolute(name)),
  );
}

/** The file as HEAD has it. */
export const committedText = async ({ folder, name }: Tracked): Promise<string> =>
  must(await git(folder, ["show", `HEAD:${name}`]), `HEAD's ${name} could not be read`);

/**
 * Whether all that HEAD's file lacks are these edits. So it is where somebody made them and died before they were committed:
 * who makes them again finds them made.
 */
export const lacksOnly = async (
  tracked: Tracked,
  edits: readonly Edit[],
  salt: string | undefined,
  text: string,
): Promise<boolean> => {
  const made = edited(await committedText(tracked), edits);
  return (salt === undefined ? made : withSalt(made, salt)) === text;
};

/**
 * Makes a branch of HEAD and one commit in which the file says `text`. What is checked out, and the index, stay as they
 * are.
 */
export async function commitOnBranch(
  file: Tracked,
  branch: string,
  text: string,
  message: string,
  companions: readonly Companion[] = [],
): Promise<string> {
  const { folder, name } = file;
  const valid = await git(folder, ["check-ref-format", "--branch", branch]);
  if (valid.code !== 0 || branch.startsWith("-"))
    throw refused(`"${branch}" is no name of a branch.`, "Give another one.");
  const scratch = await mkdtemp(join(tmpdir(), "fleet-branch-"));
  const own = { GIT_INDEX_FILE: join(scratch, "index") };
  try {
    const step = async (args: readonly string[], input?: string | Uint8Array) =>
      must(await git(folder, args, input, own), `git ${args[0]} failed`).trim();
    const head = await step(["rev-parse", "HEAD"]);
    await step(["read-tree", head]);
    for (const [path, content] of [[name, text] as const, ...(await named(file, companions))]) {
      const blob = await step(["hash-object", "-w", "--stdin"], content);
      const mode = (await step(["ls-tree", "--full-tree", "HEAD", "--", path])).split(" ")[0] || "100644";
      await step(["update-index", "--add", "--cacheinfo", `${mode},${blob},${path}`]);
    }
    const tree = await step(["write-tree"]);
    const commit = await step(["commit-tree", tree, "-p", head, "-m", message]);
    const made = await git(folder, ["update-ref", `refs/heads/${branch}`, commit, "0".repeat(head.length)]);
    if (made.code !== 0)
      throw refused(
        `Branch ${branch} could not be made: ${lastLine(made.stderr)}`,
        "Give a name that is free.",
      );
    return commit;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function must({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>, failure: string): string {
  if (code === 0) return stdout;
  throw refused(
    `${failure}: ${lastLine(stderr)}`,
    "Look at the checkout with git status; leave --branch out.",
  );
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

const refused = (what: string, remedy: string) =>
  new SetupError([{ what, why: "The edit was to become one commit on a branch of its own.", remedy }]);
