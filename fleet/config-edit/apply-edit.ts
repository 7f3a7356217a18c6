import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { parse } from "yaml";
import { configOf, type Invocation } from "../../toolchain/commands/invocation.ts";
import { CloudOfStack, isFake } from "../../toolchain/fakes/cloud-of-stack.ts";
import { readSource, type StackFile } from "../../toolchain/setup/effective-config.ts";
import { fleetOf } from "../../toolchain/setup/fleet.ts";
import { locked } from "../../toolchain/setup/lock.mjs";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import { applyStack } from "../driver.ts";
import type { Edit } from "./edit.ts";
import { edited, withSalt } from "./edited.ts";
import { type Companion, commitFile, commitOnBranch, committedText, lacksOnly, tracked } from "./git.ts";

/** How every command is asked that edits the stack's config. */
export interface EditInvocation extends Invocation {
  /** A branch that gets the edit as a commit; nothing is applied then. */
  branch?: string;
  /** Does not ask. */
  yes?: boolean;
  /** Tenants of which the `up` that applies it may do what it refuses otherwise. */
  allow?: readonly string[];
  /** Ends the `up` that applies it. */
  signal?: AbortSignal;
}

/** What is to be changed, and what it is called in the history. */
export interface Change {
  edits: readonly Edit[];
  /** `acme: RAG_TOP_K set` */
  message: string;
  /** Salt of the secrets among the edits, where the file may have none yet. */
  salt?: string | undefined;
  /** Files that the config names then; they are in place before it is read. */
  companions?: readonly Companion[];
}

/** What became of an edit; what `--json` prints. */
export interface Applied {
  file: string;
  /** False: the file said so already; it was applied all the same. */
  changed: boolean;
  /** Id of the commit that holds it; null where the file is in no Git checkout, or had other edits. */
  commit: string | null;
  branch: string | null;
}

/**
 * Edits the stack's config and has `up` apply it, then commits the file where it is in a Git checkout, so that nothing
 * that applies the repository takes it back. Edits of one stack are made one after the other. A config that would be
 * wrong is refused before the file is touched.
 */
export const applyEdit = (invocation: EditInvocation, change: Change): Promise<Applied> =>
  locked(
    `config-${invocation.stack}`,
    (text) => process.stderr.write(`${text}\n`),
    () => (invocation.branch === undefined ? applyHere(invocation, change) : branchOff(invocation, change)),
  );

async function applyHere(invocation: EditInvocation, change: Change): Promise<Applied> {
  const { edits, message, salt, companions = [] } = change;
  const file = await fileOf(invocation);
  const git = await tracked(file);
  const before = await readFile(file, "utf8");
  const companion = await placed(companions);
  const after = await changedBeside(companion, () => changedText(invocation.stack, before, edits, salt));
  const changed = after !== before || companion.changed;
  if (after !== before) await replace(file, after);
  try {
    const { json: quiet = false, allow, signal } = invocation;
    await applyStack(invocation, { quiet, allow, signal });
  } catch (error) {
    if (!(error instanceof CommandError && changed)) throw error;
    throw new CommandError(leftBehind(error, file), { cause: error });
  }
  // An edit that takes back one that was never committed leaves nothing to commit.
  if (!git || (await tracked(file))?.clean) return { file, changed, commit: null, branch: null };
  if (!(git.clean || (await lacksOnly(git, edits, salt, after)))) {
    if (changed) tell(`${basename(file)} had other edits that are not committed: commit it yourself.`);
    return { file, changed, commit: null, branch: null };
  }
  const made = await commitFile(git, message, companions);
  if ("failure" in made) tell(`${basename(file)} was applied and not committed: ${made.failure}`);
  return { file, changed, commit: "commit" in made ? made.commit : null, branch: null };
}

/** The edit as a commit of its own on what HEAD has; whoever applies the repository makes it true. */
async function branchOff(
  { branch = "", ...invocation }: EditInvocation,
  { edits, message, salt, companions = [] }: Change,
): Promise<Applied> {
  const file = await fileOf(invocation);
  const git = await tracked(file);
  if (!git)
    throw new SetupError([
      {
        what: `${file} is not committed in a Git checkout.`,
        why: "--branch makes a branch of the commit that is checked out.",
        remedy: "Leave --branch out, or commit the file first.",
      },
    ]);
  const before = await committedText(git);
  const companion = await placed(companions);
  const after = await changedBeside(companion, () => changedText(invocation.stack, before, edits, salt));
  await companion.undo();
  if (after === before && !companion.changed)
    throw new SetupError([
      {
        what: `${basename(file)} says so already.`,
        why: "A branch without an edit is of no use.",
        remedy: "Run `npm run preview`: it shows whether it is applied.",
      },
    ]);
  return {
    file,
    changed: true,
    commit: await commitOnBranch(git, branch, after, message, companions),
    branch,
  };
}

/** Files that were put in place, whether they say something new, and how to have it as it was. */
interface Placed {
  changed: boolean;
  undo: () => Promise<void>;
}

async function placed(companions: readonly Companion[]): Promise<Placed> {
  const former = new Map<string, Buffer | undefined>();
  for (const { path, content } of companions) {
    const before = await readFile(path).catch(() => undefined);
    if (before?.equals(content)) continue;
    former.set(path, before);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const undo = async () => {
    for (const [path, before] of former)
      if (before) await writeFile(path, before);
      else await rm(path);
  };
  return { changed: former.size > 0, undo };
}

/** What is decided beside files that are gone again where it is refused. */
async function changedBeside(companion: Placed, decide: () => Promise<string>): Promise<string> {
  try {
    return await decide();
  } catch (error) {
    await companion.undo();
    throw error;
  }
}

/** The text with the edits in it, seen to be a fleet. */
export async function changedText(
  stack: string,
  before: string,
  edits: readonly Edit[],
  salt?: string | undefined,
): Promise<string> {
  const text = edited(before, edits);
  const source = (parse(text) ?? {}) as StackFile;
  // A fake cloud fills in who operates and where the replicas are.
  fleetOf(stack, (await isFake(stack)) ? await (await CloudOfStack.of(stack)).config(source) : source);
  return salt === undefined ? text : withSalt(text, salt);
}

/** The operator's file itself, behind any link; an unreadable one is told as every command tells it. */
export async function fileOf(invocation: Invocation): Promise<string> {
  const file = resolve(configOf(invocation));
  await readSource(file);
  return realpath(file);
}

/** Puts the text in the file's place at once, with the rights it had. */
async function replace(file: string, text: string): Promise<void> {
  const { mode } = await stat(file);
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode: mode & 0o777, flag: "wx" });
  await rename(fresh, file);
}

const leftBehind = (error: Error, file: string): string =>
  [
    error.message,
    `The edit stays in ${file}, and is not committed. Once the cause is gone, run the command again: it goes on from here.`,
    "To take it back, undo it in the file and run `npm run up`.",
  ].join("\n");

const tell = (text: string): void => void process.stderr.write(`${text}\n`);

/** What an operator reads behind it. */
export function appliedText({ file, changed, commit, branch }: Applied): string {
  if (branch !== null)
    return `Branch ${branch} has it as commit ${commit?.slice(0, 12)}; nothing was applied. Push it, and merge it once its preview is right.`;
  if (!changed) return `${basename(file)} said so already; it is applied.`;
  return commit === null
    ? `${basename(file)} says so now, and it is applied.`
    : `${basename(file)} says so now, it is applied and committed as ${commit.slice(0, 12)}.`;
}
