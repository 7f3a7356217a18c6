import { join } from "node:path";
import { type Outcome, run } from "./child.mjs";
import type { CommandLine } from "./command-line.mjs";
import { passphraseFile } from "./passphrase.ts";
import { dataHome, nodeFolder, pulumiHome, repository } from "./paths.mjs";

/**
 * What the CLI finds in its environment: the project's own home, state and passphrase, whatever the user's
 * settings for other projects are.
 */
export const pulumiEnvironment = (
  stack: string,
  cli: CommandLine,
  ambient: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(ambient).filter(([name]) => !name.startsWith("PULUMI_"))),
  PATH: [nodeFolder, cli.folder, ambient.PATH].filter(Boolean).join(":"),
  OWUI_HOME: dataHome,
  PULUMI_HOME: pulumiHome,
  PULUMI_BACKEND_URL: `file://${join(dataHome, "state")}`,
  PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile,
  PULUMI_STACK: stack,
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  // `--event-log`, from which progress and previews are read, is one of the commands for debugging.
  PULUMI_DEBUG_COMMANDS: "true",
});

/** The CLI, in the checkout, on one stack. */
export class Pulumi {
  readonly stack: string;
  readonly environment: NodeJS.ProcessEnv;

  constructor(stack: string, cli: CommandLine) {
    this.stack = stack;
    this.environment = pulumiEnvironment(stack, cli, process.env);
  }

  /** Runs one of its commands without asking anything; for stacks' outputs, states and the like. */
  run(
    args: readonly string[],
    options: { log?: string; directory?: string; input?: string } = {},
  ): Promise<Outcome> {
    const { log, directory = repository, input } = options;
    return run(["pulumi", ...args, "--non-interactive", "--color", "never"], {
      cwd: directory,
      env: this.environment,
      ...(log && { log }),
      ...(input !== undefined && { input }),
    });
  }

  /** The stack's outputs, secrets in plain text; undefined when the stack was never made. */
  async outputs(): Promise<unknown> {
    const { code, stdout } = await this.run(["stack", "output", "--json", "--show-secrets"]);
    return code === 0 ? JSON.parse(stdout) : undefined;
  }
}
