import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { type Backend, backendOf, credentialsFile, keepCredentials } from "../setup/backend.ts";
import type { CommandLine } from "../setup/command-line.mjs";
import { plainKeys, readSource } from "../setup/effective-config.ts";
import { moveState } from "../setup/move-state.ts";
import { SetupError } from "../setup/problem.mjs";
import { ask, askHidden, mayAsk } from "../setup/question.ts";
import { writeEntries } from "../setup/source-edit.ts";
import { readCheckpoint } from "../setup/stack-state.ts";
import { type StateCredential, stateCredentialOf, tryState } from "../setup/state-credential.ts";
import { configOf, type Invocation, stepsOf } from "./invocation.ts";
import { declaredBackend } from "./its-state.ts";

/**
 * Has a stack's state be where its config says: asks where that is if the stack is new and the config does not say, has
 * what opens the place, and moves the state there if it is elsewhere.
 */
export async function placeState(invocation: Invocation, cli: CommandLine): Promise<void> {
  const { stack } = invocation;
  if (mayAsk()) await choose(invocation);
  const to = await declaredBackend(invocation);
  // What is wrong with the entry is told with everything else that is wrong with the config.
  if (to === undefined) return;
  const credential = stateCredentialOf(to);
  if (credential) await settle(stack, cli, to, credential);
  const from = backendOf(stack);
  if (isDeepStrictEqual(from, to)) return;
  await stepsOf(invocation).run("state", (progress) => moveState({ stack, cli, from, to }, progress));
}

/** Asks where the state of a new stack is to be, and writes it into the operator's file. */
async function choose(invocation: Invocation): Promise<void> {
  const file = configOf(invocation);
  const config = plainKeys((await readSource(file)).config);
  const { stack } = invocation;
  if (config.state !== undefined || backendOf(stack).kind !== "file" || (await readCheckpoint(stack))) return;
  process.stdout.write(
    [
      "Where is what Pulumi knows of the stack (its state) to be kept?",
      "  file   on this machine; the only one that changes the fleet",
      "  s3     in a bucket of S3, or of a service that speaks its protocol; several machines share it",
      "  cloud  in Pulumi Cloud; several machines share it",
      "",
    ].join("\n"),
  );
  const state = await asked(await ask("file, s3 or cloud", "file"));
  if (state.kind !== "file") await writeEntries(file, { state });
}

/** What stands under `state` then; whether it is right the schema says. */
async function asked(kind: string): Promise<Record<string, string>> {
  const fields: Record<string, string> =
    kind === "s3"
      ? {
          bucket: await ask("Bucket"),
          endpoint: await ask("Address of the service (none: Amazon)"),
          region: await ask("Region", "us-east-1"),
        }
      : kind === "cloud"
        ? { organization: await ask("Organisation (none: your own account)") }
        : {};
  return { kind, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "")) };
}

/** Has what opens the place be there and be right. */
async function settle(
  stack: string,
  cli: CommandLine,
  to: Backend,
  credential: StateCredential,
): Promise<void> {
  const { what, from, asked, variables, text } = credential;
  const file = credentialsFile(stack);
  const known = variables.every((name) => process.env[name]) || existsSync(file);
  if (!known) {
    if (!mayAsk()) throw problem(credential, "is not set", "The stack's state is opened with it");
    const values: string[] = [];
    for (const part of asked) values.push(await askHidden(`${what}, ${part} (${from})`));
    await keepCredentials(stack, text(values));
  }
  try {
    process.stdout.write(`  ✓ ${"state".padEnd(24)} ${await tryState(stack, cli, to)}\n`);
  } catch (error) {
    if (!known) await rm(file);
    throw problem(credential, "does not open it", (error as Error).message);
  }
}

const problem = ({ what, from, variables }: StateCredential, is: string, why: string) =>
  new SetupError([
    {
      what: `${what} ${is}.`,
      why: `${why}.`,
      remedy: `Get it from ${from}; then put it into ${variables.join(" and ")}, or run this in a terminal, where it asks. What was kept of it: remove the file state-credentials of the stack's folder in the data home.`,
    },
  ]);
