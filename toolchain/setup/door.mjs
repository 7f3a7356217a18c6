import { spawn } from "node:child_process";
import { join } from "node:path";
import { dependenciesInstalled, installDependencies } from "./dependencies.mjs";
import { checkMachine } from "./machine-check.mjs";
import { compileCache, nodeFolder, repository } from "./paths.mjs";
import { printFailure } from "./problem.mjs";
import { Steps } from "./steps.mjs";

/**
 * Hands a command over to a program of the checkout, on the Node 24 that comes with the dependencies, whatever Node
 * this is; installs them first where they are missing. Its exit code becomes this process's.
 *
 * @param {string} program path of the program, from the checkout
 * @param {string[]} argv what it is told
 * @param {boolean} settingUp whether it sets the machine up, which is then checked before anything is installed
 */
export async function handOver(program, argv, settingUp) {
  const started = Date.now();
  try {
    if (!(await dependenciesInstalled(repository))) {
      const steps = new Steps(process.stderr);
      if (settingUp) await steps.run("machine", () => checkMachine(argv));
      await steps.run("dependencies", (progress) => installDependencies(repository, progress));
    }
  } catch (error) {
    process.exitCode = printFailure(error);
    return;
  }
  const child = spawn(
    join(nodeFolder, "node"),
    ["--disable-warning=ExperimentalWarning", join(repository, program), ...argv],
    {
      stdio: "inherit",
      // Modules are compiled once, not by every command and by both runs of the program in an `up`.
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env, OWUI_STARTED: String(started) },
    },
  );
  // A terminal's Ctrl-C reaches the child by itself; it decides how to end, this process only waits for it.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
    process.on(signal, () => signal === "SIGTERM" && child.kill(signal));
  }
  child.on("close", (code) => {
    process.exitCode = code ?? 1;
  });
}
