import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Backend, backendText, rememberBackend, stackReference } from "./backend.ts";
import { ChildError } from "./child.mjs";
import type { CommandLine } from "./command-line.mjs";
import { locked } from "./lock.mjs";
import { stackFolder } from "./paths.mjs";
import { SetupError } from "./problem.mjs";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi.ts";
import { initStack } from "./stack.ts";
import { exportState } from "./stack-state.ts";

/** Where a stack's state is moved. */
export interface Move {
  stack: string;
  cli: CommandLine;
  from: Backend;
  to: Backend;
}

/**
 * Moves a stack's state: there is one before and one after, and whatever fails in between leaves the first. A copy of what
 * was moved stays in the stack's folder. Other machines that work on the stack have to be told of it by its config.
 */
export async function moveState(move: Move, progress: Progress): Promise<string> {
  const { stack, cli, from, to } = move;
  const [state, present] = [await exportState(stack, from), await exportState(stack, to)];
  if (state === undefined || resourcesOf(state).length === 0) {
    await rememberBackend(stack, to);
    return `from now on in ${backendText(to)}`;
  }
  if (present !== undefined && resourcesOf(present).length > 0 && !(await same(move)))
    throw twoStates(move, resourcesOf(present).length);
  return locked(`stack-${stack}`, progress, async () => {
    const file = join(stackFolder(stack), "state-before-move.json");
    await writeFile(file, state, { mode: 0o600 });
    await putInto(new Pulumi(stack, cli, to), to, file, present !== undefined);
    if (!(await same(move))) {
      await remove(new Pulumi(stack, cli, to), stackReference(stack, to));
      throw changedMeanwhile(move);
    }
    await rememberBackend(stack, to);
    await remove(new Pulumi(stack, cli, from), stackReference(stack, from));
    return `${resourcesOf(state).length} resources moved from ${backendText(from)} to ${backendText(to)}; what it was before: ${file}`;
  });
}

async function putInto(pulumi: Pulumi, to: Backend, file: string, made: boolean): Promise<void> {
  if (!made) await initStack(pulumi, to);
  const command = ["stack", "import", "--file", file];
  const outcome = await pulumi.run(command);
  if (outcome.code !== 0)
    throw new ChildError(
      "The state could not be moved; it is where it was.",
      ["pulumi", ...command],
      outcome,
    );
}

/** Forgets a stack in one place. */
async function remove(pulumi: Pulumi, reference: string): Promise<void> {
  const command = ["stack", "rm", reference, "--force", "--yes", "--preserve-config"];
  const outcome = await pulumi.run(command);
  if (outcome.code !== 0)
    throw new ChildError("The former state could not be removed.", ["pulumi", ...command], outcome);
}

const resourcesOf = (state: string): unknown[] => JSON.parse(state).deployment?.resources ?? [];

/** Whether both places say the same of the same things, secrets included: each is encrypted in a way of its own. */
async function same({ stack, from, to }: Move): Promise<boolean> {
  const states = [await exportState(stack, from, plain), await exportState(stack, to, plain)];
  const [a, b] = states.map((state) => state && resourcesOf(state));
  return a !== undefined && isDeepStrictEqual(a, b);
}

const plain = ["--show-secrets"];

const twoStates = ({ stack, from, to }: Move, resources: number) =>
  new SetupError([
    {
      what: `Stack ${stack} has a state in ${backendText(from)}, and another one, of ${resources} resources, in ${backendText(to)}.`,
      why: "Only one of them can be right, and moving would replace the other one.",
      remedy:
        "Find out which one knows the fleet (`npm run status` on each side), and remove the other: `npm run pulumi -- stack rm --force`.",
    },
  ]);

const changedMeanwhile = ({ stack, from }: Move) =>
  new SetupError(
    [
      {
        what: `The state of stack ${stack} was changed while it was being moved.`,
        why: "Somebody else ran `up` at that moment.",
        remedy: "Run this again when nobody changes the stack.",
      },
    ],
    `It is still in ${backendText(from)}, whole.`,
  );
