import { join } from "node:path";
import { Argument, Command } from "commander";
import { repository } from "../toolchain/setup/paths.mjs";
import { completionScript, shells } from "./completion.ts";
import { exitCodeText } from "./exit-code.ts";
import { arriving } from "./program/arriving.ts";
import { backups } from "./program/backups.ts";
import { branding } from "./program/branding.ts";
import { changing } from "./program/changing.ts";
import { type Declare, examplesText } from "./program/declare.ts";
import { drills } from "./program/drills.ts";
import { leaving } from "./program/leaving.ts";
import { looking } from "./program/looking.ts";
import { moving } from "./program/moving.ts";
import { people } from "./program/people.ts";
import { replicas } from "./program/replicas.ts";
import { secrets } from "./program/secrets.ts";
import { upgrading } from "./program/upgrading.ts";

/**
 * Every command of the operator's line. What a command does is loaded when it is run: completion, which a shell asks
 * for at each key, needs none of it.
 */
export function fleetProgram(): Command {
  const program = new Command("fleet")
    .description("Operates a fleet of Open WebUI tenants: npx fleet <command> [--stack <name>] [--json]")
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError("(`npx fleet help <command>` shows what it takes)")
    .addHelpText("after", exitCodeText);
  const declare: Declare = (usage, description, examples) =>
    program
      .command(usage)
      .description(description)
      .option("--stack <name>", "the fleet to work on", "local")
      .option("--config-file <path>", "its config, instead of Pulumi.<stack>.yaml")
      .option("--fake", "its clouds are fakes on this machine: as it was brought up")
      .addHelpText("after", examplesText(examples));
  looking(declare);
  changing(declare);
  arriving(declare);
  upgrading(declare);
  moving(declare);
  branding(declare);
  people(declare);
  replicas(declare);
  drills(declare);
  backups(declare);
  secrets(declare);
  leaving(declare);
  program
    .command("completion")
    .description("prints what a shell needs to know `fleet` in every folder, and to complete it")
    .addArgument(new Argument("<shell>").choices(shells))
    .addHelpText(
      "after",
      examplesText([["completion bash >> ~/.bashrc", "for every shell that is opened from then on"]]),
    )
    .action((shell: (typeof shells)[number]) => {
      process.stdout.write(completionScript(shell, join(repository, "fleet/fleet.mjs")));
    });
  return program;
}
