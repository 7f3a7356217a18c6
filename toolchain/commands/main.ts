/** The commands that set up and change, on the project's own Node; started by up.mjs. What operates a fleet is in fleet/. */
import { Argument, Command } from "commander";
import { printFailure } from "../setup/problem.mjs";
import { type DownInvocation, down } from "./down.ts";
import { drift } from "./drift.ts";
import type { Invocation } from "./invocation.ts";
import { settleState } from "./its-state.ts";
import { type PreviewInvocation, preview } from "./preview.ts";
import { pulumiCommand } from "./pulumi.ts";
import { type RecoveryInvocation, recovery } from "./recovery.ts";
import { setup } from "./setup.ts";
import { type TestInvocation, test } from "./test.ts";
import { projects } from "./test-project.ts";
import { type UpInvocation, up } from "./up.ts";

const program = new Command("npm run")
  .enablePositionalOptions()
  .showHelpAfterError("(`npm run <command> -- --help` shows what it takes)");

/** These find out themselves where the state is. */
const findingState = ["setup", "recovery"];

program.hook("preAction", async (_, command) => {
  const invocation = command.opts<Invocation>();
  if (invocation.stack && !findingState.includes(command.name())) await settleState(invocation);
});

/** A command that works on a stack. */
const onStack = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .option("--stack <name>", "the fleet to work on", "local")
    .option("--config-file <path>", "its config, instead of Pulumi.<stack>.yaml")
    .option("--fake", "its clouds are fakes on this machine: no account, nothing real");

onStack("up", "makes what the stack's config declares true")
  .option("--json", "print the status as JSON")
  .option("--yes", "accepted for symmetry: up never asks")
  .option(
    "--adopt",
    "the stack's state was lost: take over what it left, keeping all data (docs/recovery.md)",
  )
  .option("--allow <id...>", "hosts and tenants of which may go what is refused otherwise")
  .option("--without <host...>", "hosts that cannot be reached: they are left as they are (docs/hosts.md)")
  .action((options: UpInvocation) => up(options));
onStack("down", "removes everything that runs and keeps all data")
  .option("--purge", "delete the data too, after a typed confirmation")
  .option("--yes", "do not ask")
  .action((options: DownInvocation) => down(options));
onStack("preview", "shows what an edit of the config would change, for whom, and what speaks against it")
  .option("--markdown <file>", "write the report into a file, as a comment for a pull request")
  .option("--allow <id...>", "hosts and tenants of which may go what is refused otherwise")
  .option("--without <host...>", "hosts that cannot be reached: they are left as they are (docs/hosts.md)")
  .option("--json", "print the report as JSON")
  .action((options: PreviewInvocation) => preview(options));
onStack(
  "drift",
  "shows what is not as it is declared, on hosts and in clouds; ends with 2 where there is such",
)
  .option("--markdown <file>", "write the report into a file, as an issue")
  .option("--json", "print the report as JSON")
  .action((options: PreviewInvocation) => drift(options));
onStack(
  "setup",
  "asks for the secrets that the config needs, tests them at their services, stores them encrypted",
).action((options: Invocation) => setup(options));
onStack("recovery", "writes a file that brings a lost state back, uses it, or prints its key")
  .addArgument(new Argument("<what>").choices(["write", "use", "key"]))
  .option("--to <file>", "write: where it goes, now and at every up")
  .option("--from <file>", "use: the kit")
  .option("--key-file <file>", "use: what holds its key; - for standard input")
  .action((what: "write" | "use" | "key", options: RecoveryInvocation) => recovery(options, what));
onStack("pulumi", "the Pulumi CLI on this project's state")
  .argument("[arguments...]")
  .helpOption(false)
  .allowUnknownOption()
  .passThroughOptions()
  .action((args: string[], options: Invocation) => pulumiCommand(options, args));
program
  .command("test")
  .description("sets everything up, then runs every check and test")
  .argument("[projects...]", `only these of ${projects.join(", ")}`)
  .option("--serial", "one project after the other, instead of the end-to-end suite beside the others")
  .action((only: string[], options: TestInvocation) => test(only, options));

// Ctrl-C reaches the engine too, which then finishes what it has begun; a second one waits for nobody.
process.once("SIGINT", () => {
  process.stderr.write(
    "\nStopping: what is being changed is finished first. Ctrl-C again to give up on that.\n",
  );
  process.once("SIGINT", () => process.exit(130));
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = printFailure(error);
}
