import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import type { Invocation } from "../toolchain/commands/invocation.ts";
import { isFake } from "../toolchain/fakes/cloud-of-stack.ts";
import { type Outcome, run } from "../toolchain/setup/child.mjs";
import { nodeFolder, repository } from "../toolchain/setup/paths.mjs";
import { CommandError } from "../toolchain/setup/problem.mjs";

/** A program of the toolchain that was run on behalf of this command has failed, and said why. */
export class DriverError extends CommandError {
  override name = "DriverError";
}

/** argv of one of the toolchain's commands, on the same stack and config, in the same clouds. */
async function argvOf(
  { stack, configFile, fake }: Invocation,
  command: string,
  words: readonly string[],
): Promise<string[]> {
  return [
    join(nodeFolder, "node"),
    join(repository, "toolchain/up.mjs"),
    command,
    ...["--stack", stack],
    ...(configFile === undefined ? [] : ["--config-file", resolve(configFile)]),
    ...(fake || (await isFake(stack)) ? ["--fake"] : []),
    ...words,
  ];
}

/**
 * Runs `up`, whose screen is the operator's: it shows what it does. Of `json` it prints the status on standard output,
 * or, where `quiet`, nothing there. `allow`: tenants of which may change what is refused otherwise. `signal` ends it.
 */
export async function applyStack(
  invocation: Invocation,
  {
    quiet = false,
    allow = [],
    signal,
  }: { quiet?: boolean; allow?: readonly string[] | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const words = invocation.json && !quiet ? ["--json"] : [];
  if (allow.length > 0) words.push("--allow", ...allow);
  const argv = await argvOf(invocation, "up", words);
  const [program = "", ...args] = argv;
  const out = quiet ? process.stderr : "inherit";
  const child = spawn(program, args, { cwd: repository, stdio: ["ignore", out, "inherit"] });
  // The terminal tells the child too, which finishes what it has begun; this process only waits for it.
  const listeners = process.listeners("SIGINT");
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", () => {});
  const code = await new Promise<number>((done) => {
    child.once("error", () => done(127));
    child.once("close", (status) => done(status ?? 130));
    signal?.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  });
  process.removeAllListeners("SIGINT");
  for (const listener of listeners) process.on("SIGINT", listener);
  if (code !== 0) throw new DriverError(`\n\`npm run up\` ended with ${code}; it says why above.`);
}

/** Runs Pulumi's own command line on the stack; what it prints is kept. */
export const pulumiOf = async (
  invocation: Invocation,
  words: readonly string[],
  input?: string,
): Promise<Outcome> =>
  run(await argvOf(invocation, "pulumi", words), {
    cwd: repository,
    ...(input !== undefined && { input }),
  });
