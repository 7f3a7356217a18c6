import { CloudOfStack, isFake } from "../fakes/cloud-of-stack.ts";
import { SetupError } from "../setup/problem.mjs";
import { readCheckpoint, resourceCount } from "../setup/stack-state.ts";
import type { Invocation } from "./invocation.ts";

/** Runs a command on the clouds of its stack: real ones, or, where `--fake` says so, those of this machine. */
export async function inItsCloud(
  { stack, fake }: Invocation,
  work: (cloud: CloudOfStack | undefined) => Promise<void>,
): Promise<void> {
  const made = resourceCount(await readCheckpoint(stack)) > 0;
  if (made && (await isFake(stack)) !== (fake === true)) throw otherCloud(stack, fake === true);
  if (!fake) return work(undefined);
  const cloud = await CloudOfStack.of(stack);
  try {
    await work(cloud);
  } finally {
    await cloud.close();
  }
}

const otherCloud = (stack: string, fake: boolean) =>
  new SetupError([
    fake
      ? {
          what: `Stack ${stack} was not made in a fake cloud.`,
          why: "Every machine of it would be looked for where it never was.",
          remedy: "Leave --fake out, or name another stack (--stack).",
        }
      : {
          what: `Stack ${stack} was made in a fake cloud of this machine.`,
          why: "Real accounts know nothing of it, and would be asked to make all of it.",
          remedy: `Add --fake, or remove it first: \`npm run down -- --stack ${stack} --fake --purge\`.`,
        },
  ]);
