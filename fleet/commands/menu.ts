import { spawn } from "node:child_process";
import { join } from "node:path";
import select from "@inquirer/select";
import { type Invocation, lastUp } from "../../toolchain/commands/invocation.ts";
import { nodeFolder, repository } from "../../toolchain/setup/paths.mjs";
import { type Entry, fleetMenu, onSameFleet, tenantMenu } from "../menu.ts";
import { status } from "./status.ts";

/** Lines that are shown at once. */
const PAGE = 16;

/** `fleet` alone: how everything is, and what can be done about it, chosen with the arrow keys. */
export async function menu(invocation: Invocation): Promise<void> {
  for (let tenant: string | undefined; ; ) {
    if (tenant === undefined) await status(invocation);
    const last = await lastUp(invocation.stack);
    const tenants = last?.fleet.tenants.map(({ id }) => id) ?? [];
    const chosen = await choose(
      tenant ?? `Stack ${invocation.stack}`,
      tenant === undefined ? fleetMenu(tenants) : tenantMenu(tenant),
    );
    if (chosen === "end") return;
    if (chosen === "back" || chosen === "again") tenant = undefined;
    else if ("tenant" in chosen) tenant = chosen.tenant;
    else await run([...chosen.command, ...onSameFleet(invocation)]);
  }
}

/** Asks; Ctrl-C ends the menu, as the last line does. */
async function choose(message: string, entries: readonly Entry[]): Promise<Entry["does"]> {
  process.stdout.write("\n");
  try {
    return await select({
      message,
      pageSize: PAGE,
      loop: false,
      choices: entries.map(({ name, does }) => ({ name, value: does })),
    });
  } catch (error) {
    if ((error as Error).name === "ExitPromptError") return "end";
    throw error;
  }
}

/** Runs a command as if it had been typed; what it says about its failure is on the screen, and the menu goes on. */
async function run(words: readonly string[]): Promise<void> {
  process.stdout.write(`\n$ npx fleet ${words.join(" ")}\n`);
  const program = join(repository, "fleet/main.ts");
  const child = spawn(
    join(nodeFolder, "node"),
    ["--disable-warning=ExperimentalWarning", program, ...words],
    {
      stdio: "inherit",
    },
  );
  // The terminal's Ctrl-C is the command's.
  const listeners = process.listeners("SIGINT");
  process.removeAllListeners("SIGINT");
  process.on("SIGINT", () => {});
  await new Promise((done) => child.once("close", done).once("error", done));
  process.removeAllListeners("SIGINT");
  for (const listener of listeners) process.on("SIGINT", listener);
}
