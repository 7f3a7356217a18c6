/**
 * One thing that keeps a command from being done.
 *
 * @typedef {object} Problem
 * @property {string} what what was expected and what was found instead
 * @property {string} why what cannot be done because of it
 * @property {string} remedy what the operator does about it
 */

/** A command ends for a reason that its message explains whole: a stack trace would only hide it. */
export class CommandError extends Error {}

/** The command cannot be done. All problems at once, so that one round of fixing is enough. */
export class SetupError extends CommandError {
  /**
   * @param {Problem[]} problems
   * @param {string} consequence what became of the machine and the data
   */
  constructor(problems, consequence = "Nothing was changed.") {
    super([...problems.map((problem) => `\n${problemText(problem)}`), "", consequence].join("\n"));
    this.name = "SetupError";
    this.problems = problems;
  }
}

/**
 * A problem as every command shows it.
 *
 * @param {Problem} problem
 */
export const problemText = ({ what, why, remedy }) =>
  `  ✗ ${what}\n    why:    ${why}\n    remedy: ${remedy}`;

/**
 * Prints a failure and answers the exit code. What is not a problem of the operator's keeps its stack: it is a
 * mistake of this program.
 *
 * @param {unknown} error
 */
export function printFailure(error) {
  const expected =
    error instanceof CommandError || (error instanceof Error && error.name === "FleetConfigError");
  const text =
    error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${text}\n`);
  return 1;
}
