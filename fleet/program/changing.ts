import { Argument, type Command } from "commander";
import type { EnvAction, EnvInvocation } from "../commands/env.ts";
import type { OperationsAction, OperationsInvocation } from "../commands/operations.ts";
import type { EditInvocation } from "../config-edit/apply-edit.ts";
import type { Declare } from "./declare.ts";

/** Commands that edit the stack's config and apply it, and the one that restarts what runs. */
export function changing(declare: Declare): void {
  const declareEdit: Declare = (usage, description, examples) =>
    edits(declare(usage, description, examples)).option("--json", "print what was done as JSON");

  declareEdit("start", "starts tenants that were stopped", [["start acme globex", "both, in one `up`"]])
    .argument("<tenant...>")
    .action(async (tenants: string[], options: EditInvocation) =>
      (await import("../commands/power.ts")).start(options, tenants),
    );

  declareEdit("stop", "stops tenants, and keeps everything that is theirs", [
    ["stop acme", "after a confirmation"],
    ["stop acme --branch stop-acme", "as a commit on a branch, for a review; nothing is applied"],
  ])
    .argument("<tenant...>")
    .action(async (tenants: string[], options: EditInvocation) =>
      (await import("../commands/power.ts")).stop(options, tenants),
    );

  declare("restart", "restarts tenants' applications, one after the other, and says how long each was away", [
    ["restart acme", "after a confirmation"],
  ])
    .argument("<tenant...>")
    .option("--yes", "do not ask")
    .option("--json", "print how long each was away as JSON")
    .action(async (tenants: string[], options: EditInvocation) =>
      (await import("../commands/power.ts")).restart(options, tenants),
    );

  declareEdit("env", "shows or changes the variables that a tenant's application is told", [
    ["env acme", "all of them, and where each comes from"],
    ["env acme set RAG_TOP_K=5", "one of Open WebUI's settings"],
    ["env acme set TAVILY_API_KEY", "a secret: it is asked for, and stored encrypted"],
    ["env acme set TAVILY_API_KEY < key.txt", "the same without a terminal"],
    ["env acme unset RAG_TOP_K", "back to what the application does by itself"],
  ])
    .argument("<tenant>")
    .addArgument(new Argument("[action]", "what is done").choices(["list", "set", "unset"]).default("list"))
    .argument("[variable...]", "NAME=value, or NAME for a value that is asked for")
    .option("--secret", "store the values encrypted, whatever they look like")
    .option("--plain", "store the values readable, whatever they look like")
    .option("--unknown", "take names that no known version of Open WebUI reads")
    .action(async (tenant: string, action: EnvAction, words: string[], options: EnvInvocation) =>
      (await import("../commands/env.ts")).env(options, tenant, action, words),
    );

  declare("operations", "lists long operations on tenants; takes one on that nobody works on, or aborts it", [
    ["operations", "the latest, newest first"],
    ["operations list acme --open", "what has not ended for acme, and keeps others from it"],
    ["operations show 12", "its steps, who works on it, why it stopped"],
    ["operations resume 12", "go on behind the last step that was recorded"],
    ["operations abort 12", "take back what its steps did"],
  ])
    .addArgument(
      new Argument("[action]", "what is done").choices(["list", "show", "resume", "abort"]).default("list"),
    )
    .argument("[what]", "list: a tenant; else the number of an operation")
    .option("--open", "list: those that have not ended")
    .option("--json", "for scripts")
    .action(async (action: OperationsAction, what: string | undefined, options: OperationsInvocation) =>
      (await import("../commands/operations.ts")).operations(options, action, what),
    );
}

/** Options of every command that edits the config. */
export const edits = (command: Command): Command =>
  command
    .option("--branch <name>", "make a branch with the edit as its commit, and apply nothing")
    .option("--yes", "do not ask");
