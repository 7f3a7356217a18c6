import { randomUUID } from "node:crypto";
import { type Backend, backendEnvironment, backendOf } from "./backend.ts";
import { type Outcome, run } from "./child.mjs";
import type { CommandLine } from "./command-line.mjs";
import { endOrphans } from "./orphans.ts";
import { passphraseFile } from "./passphrase.ts";
import { dataHome, nodeFolder, pulumiHome, repository } from "./paths.mjs";
import { allDead, lockHolders } from "./stack-lock.ts";

/**
 * What the CLI finds in its environment: the project's own home, state and passphrase, whatever the user's
 * settings for other projects are.
 */
export const pulumiEnvironment = (
  stack: string,
  cli: CommandLine,
  ambient: NodeJS.ProcessEnv,
  backend: Backend = { kind: "file" },
): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(ambient).filter(([name]) => !name.startsWith("PULUMI_"))),
  PATH: [nodeFolder, cli.folder, ambient.PATH].filter(Boolean).join(":"),
  OWUI_HOME: dataHome,
  PULUMI_HOME: pulumiHome,
  ...backendEnvironment(stack, backend, ambient),
  PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  // `--event-log`, from which progress and previews are read, is one of the commands for debugging.
  PULUMI_DEBUG_COMMANDS: "true",
});

/** Exit code of a program that a signal ended; see child.mjs. */
const killed = 124;

/** How a command of the CLI is run. */
interface RunOptions {
  /** File that gets everything it prints. */
  log?: string;
  /** The checkout unless said otherwise. */
  directory?: string;
  /** What it reads. */
  input?: string;
}

/** The CLI, in the checkout, on one stack. */
export class Pulumi {
  readonly stack: string;
  readonly environment: NodeJS.ProcessEnv;

  /** @param backend where its state is; else where it was put */
  constructor(stack: string, cli: CommandLine, backend: Backend = backendOf(stack)) {
    this.stack = stack;
    this.environment = pulumiEnvironment(stack, cli, process.env, backend);
  }

  /**
   * Runs one of its commands without asking anything; for stacks' outputs, states and the like. The lock of a run that
   * died on this machine keeps it from nothing.
   */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const outcome = await this.#once(args, options);
    if (outcome.code === 0 || !allDead(lockHolders(outcome.stderr))) return outcome;
    await this.#once(["cancel", "--yes"], {});
    return this.#once(args, options);
  }

  async #once(args: readonly string[], { log, directory = repository, input }: RunOptions): Promise<Outcome> {
    const mark = randomUUID();
    const outcome = await run(["pulumi", ...args, "--non-interactive", "--color", "never"], {
      cwd: directory,
      env: { ...this.environment, OWUI_RUN: mark },
      ...(log && { log }),
      ...(input !== undefined && { input }),
    });
    // Killed, it leaves the program that it ran, which asks for it for ever, as fast as it can.
    if (outcome.code === killed) await endOrphans(`OWUI_RUN=${mark}`);
    return outcome;
  }

  /** The stack's outputs, secrets in plain text; undefined when the stack was never made. */
  async outputs(): Promise<unknown> {
    const { code, stdout } = await this.run(["stack", "output", "--json", "--show-secrets"]);
    return code === 0 ? JSON.parse(stdout) : undefined;
  }
}
