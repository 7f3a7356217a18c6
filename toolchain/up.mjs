#!/usr/bin/env node
/**
 * The door of every command: `npm run up`, `npm test` and their like come here.
 *
 * It is what can run before anything is installed: plain JavaScript for Node 20. It checks that the machine will do,
 * installs the dependencies where they are missing, and hands over to commands/main.ts on the Node 24 that comes
 * with them.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { dependenciesInstalled, installDependencies } from "./setup/dependencies.mjs";
import { checkMachine } from "./setup/machine-check.mjs";
import { nodeFolder, repository } from "./setup/paths.mjs";
import { printFailure } from "./setup/problem.mjs";
import { Steps } from "./setup/steps.mjs";

/** Commands that set the machine up before they do their own work: it is checked before anything is installed. */
const settingUp = ["up", "test", "preview", "drift"];

/** @param {string[]} argv */
async function main(argv) {
  const started = Date.now();
  if (!(await dependenciesInstalled(repository))) {
    const steps = new Steps(process.stderr);
    if (settingUp.includes(argv[0] ?? "")) await steps.run("machine", () => checkMachine(argv));
    await steps.run("dependencies", (progress) => installDependencies(repository, progress));
  }
  const child = spawn(
    join(nodeFolder, "node"),
    ["--disable-warning=ExperimentalWarning", join(repository, "toolchain/commands/main.ts"), ...argv],
    { stdio: "inherit", env: { ...process.env, OWUI_STARTED: String(started) } },
  );
  // A terminal's Ctrl-C reaches the child by itself; it decides how to end, this process only waits for it.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.on(signal, () => signal === "SIGTERM" && child.kill(signal));
  }
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
}

main(process.argv.slice(2)).catch((error) => {
  process.exitCode = printFailure(error);
});
