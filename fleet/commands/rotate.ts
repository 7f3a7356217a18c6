import { readFile, writeFile } from "node:fs/promises";
import { configOf, type Invocation, lastUp, noFleet } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { applyStack } from "../driver.ts";
import { nextGeneration } from "./next-generation.ts";

/**
 * `npm run rotate`: the next authority issues everybody's certificate, each for a new key, and the one before it loses
 * its power. Written into the stack's file first, so that an `up` which is broken off goes on as any other.
 */
export async function rotate(invocation: Invocation): Promise<void> {
  const { stack, json } = invocation;
  if (!(await lastUp(stack))) {
    process.stderr.write(noFleet(stack));
    return;
  }
  const file = configOf(invocation);
  const next = nextGeneration(await readFile(file, "utf8"));
  if (!next) throw unreadable(file);
  await writeFile(file, next.text);
  const said = `${file} says certificates.generation: ${next.generation} now.\n\n`;
  (json ? process.stderr : process.stdout).write(said);
  await applyStack(invocation);
}

const unreadable = (file: string) =>
  new SetupError([
    {
      what: `${file} does not say which authority issues in a way that can be counted up.`,
      why: "A rotation is that number and one more.",
      remedy:
        "Write `certificates: { generation: 2 }` below `config:`, or one more than stands there, and run `npm run up`.",
    },
  ]);
