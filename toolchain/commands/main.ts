/** Every command of the project, on the project's own Node; started by up.mjs. */
import { Argument, Command, Option } from "commander";
import { printFailure } from "../setup/problem.mjs";
import { alert } from "./alert.ts";
import { type ConflictsInvocation, conflicts, conflictsHelp } from "./conflicts.ts";
import { type DownInvocation, down } from "./down.ts";
import { drift } from "./drift.ts";
import { host, hostHelp, looks } from "./host.ts";
import type { Invocation } from "./invocation.ts";
import { type PasswordInvocation, password } from "./password.ts";
import { type PreviewInvocation, preview } from "./preview.ts";
import { type PromoteInvocation, promote } from "./promote.ts";
import { pulumiCommand } from "./pulumi.ts";
import { type RecoveryInvocation, recovery } from "./recovery.ts";
import { type RestoreInvocation, restore } from "./restore.ts";
import { rotate } from "./rotate.ts";
import { setup } from "./setup.ts";
import { type StatusInvocation, status } from "./status.ts";
import { type SyncInvocation, sync, syncHelp } from "./sync.ts";
import { type TestInvocation, test } from "./test.ts";
import { projects } from "./test-project.ts";
import { type TokenInvocation, token } from "./token.ts";
import { type UpInvocation, up } from "./up.ts";

const program = new Command("npm run")
  .enablePositionalOptions()
  .showHelpAfterError("(`npm run <command> -- --help` shows what it takes)");

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
  .action((options: UpInvocation) => up(options));
onStack("down", "removes everything that runs and keeps all data")
  .option("--purge", "delete the data too, after a typed confirmation")
  .option("--yes", "do not ask")
  .action((options: DownInvocation) => down(options));
onStack("preview", "shows what an edit of the config would change, for whom, and what speaks against it")
  .option("--markdown <file>", "write the report into a file, as a comment for a pull request")
  .option("--allow <id...>", "hosts and tenants of which may go what is refused otherwise")
  .option("--json", "print the report as JSON")
  .action((options: PreviewInvocation) => preview(options));
onStack(
  "drift",
  "shows what is not as it is declared, on hosts and in clouds; ends with 2 where there is such",
)
  .option("--markdown <file>", "write the report into a file, as an issue")
  .option("--json", "print the report as JSON")
  .action((options: PreviewInvocation) => drift(options));
onStack("status", "shows how the fleet is doing")
  .option("--json", "for scripts")
  .option("--follow", "go on with what happens, a line for each event")
  .action((options: StatusInvocation) => status(options));
onStack("sync", "brings one tenant's replica up to date now, and follows it until it ended")
  .argument("<tenant>")
  .option("--verify", "read every row back from the replica, compare with the source, repair what differs")
  .option("--accept", "what the replica is held for is right: let it go through, after a typed confirmation")
  .option("--pause", "sync it no more until it is resumed")
  .option("--resume", "sync it again at its interval")
  .option("--cancel", "end the sync that waits or runs; the next one comes at its interval")
  .option("--follow", "start nothing: follow the sync that runs, or show the last one")
  .option("--yes", "do not ask")
  .option("--json", "print how it ended as JSON")
  .addHelpText("after", syncHelp)
  .action((tenant: string, options: SyncInvocation) => sync(options, tenant));
onStack("conflicts", "lists rows that were changed in replicas and wait for a decision; shows or decides one")
  .argument("[id]", "one conflict")
  .option("--client <tenant>", "one tenant's only")
  .option("--all", "those that were decided too")
  .addOption(
    new Option("--resolve <side>", "decide it: whose row stands in the replica").choices([
      "source",
      "remote",
    ]),
  )
  .option(
    "--row <file>",
    "decide it: the remote row, with the columns that this JSON file names as it has them",
  )
  .option("--json", "for scripts")
  .addHelpText("after", conflictsHelp)
  .action((id: string | undefined, options: ConflictsInvocation) => conflicts(options, id));
onStack("alert", "sends a test alert to everybody who is to hear of alerts")
  .option("--test", "what there is to send")
  .action((options: Invocation & { test?: boolean }) => alert(options));
onStack("host", "looks at the hosts themselves: what their set-up would change, or how safe they are")
  .addArgument(new Argument("<look>").choices(looks))
  .argument("[host]", "one of them instead of all")
  .option("--json", "for scripts")
  .addHelpText("after", hostHelp)
  .action((look: (typeof looks)[number], only: string | undefined, options: Invocation) =>
    host(options, look, only),
  );
onStack("password", "shows a tenant's first admin and password, or how a reader connects")
  .argument("[tenant]")
  .option("--reader <name>", "a reader of replicas instead of a tenant")
  .action((tenant: string | undefined, options: PasswordInvocation) => password(options, tenant));
onStack("token", "prints a token for the nodes' API, valid for ten minutes")
  .addOption(
    new Option("--scope <scope>", "what it allows, each including those before it")
      .choices(["read", "operate", "admin"])
      .default("read"),
  )
  .option("--as <name>", "who acts with it, for the audit log, instead of you")
  .option("--ca <file>", "also write the certificate that the nodes' certificates are signed by")
  .action((options: TokenInvocation) => token(options));
onStack("restore", "rebuilds a tenant's database from its replica, into a file")
  .requiredOption("--tenant <id>", "whose replica")
  .requiredOption("--to <file>", "the file to make")
  .option("--force", "replace a file that is there")
  .option("--held", "restore although the nodes hold the replica")
  .option("--json", "print what was restored as JSON")
  .action((options: RestoreInvocation) => restore(options));
onStack("promote", "makes a Postgres database that Open WebUI runs on, from a tenant's replica")
  .requiredOption("--tenant <id>", "whose replica")
  .requiredOption("--to <url>", "postgres://user@host:5432/database; the password in it or in PGPASSWORD")
  .option("--leave-out", "go on without the rows that violate the schema")
  .option("--force", "replace what the database holds")
  .option("--held", "promote although the nodes hold the replica")
  .option("--report <file>", "where the report goes")
  .option("--json", "print the report as JSON")
  .action((options: PromoteInvocation) => promote(options));
onStack("rotate", "makes the next authority issue every certificate, while everything runs")
  .option("--json", "print the status as JSON")
  .action((options: Invocation) => rotate(options));
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
