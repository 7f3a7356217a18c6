/** The operator's command line, on the project's own Node; started by fleet.mjs. */
import { CommanderError } from "commander";
import { repository } from "../toolchain/setup/paths.mjs";
import { printFailure } from "../toolchain/setup/problem.mjs";
import { completions, namesIn } from "./completion.ts";
import { BusyError, exitCodes } from "./exit-code.ts";
import { fleetProgram } from "./program.ts";

process.once("SIGINT", () => process.exit(130));
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  const [word, ...words] = process.argv.slice(2);
  if (word === "__complete") {
    const found = await completions(fleetProgram(), words, namesIn(repository));
    process.stdout.write(found.map((one) => `${one}\n`).join(""));
  } else await fleetProgram().parseAsync(spoken(process.argv.slice(2)), { from: "user" });
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else {
    const code = printFailure(error);
    process.exitCode = error instanceof BusyError ? exitCodes.busy : code;
  }
}

/** Without a command a person at a terminal gets the menu; anybody else is told what is missing. */
function spoken(words: string[]): string[] {
  const fleetOnly = words.length === 0 || ["--stack", "--config-file", "--fake"].includes(words[0] ?? "");
  return fleetOnly && process.stdin.isTTY && process.stdout.isTTY ? ["menu", ...words] : words;
}
