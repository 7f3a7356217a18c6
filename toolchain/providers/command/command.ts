import { randomBytes } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, updates } from "../plugin/resource.ts";
import { anything, choice, type Filled, flag, list, map, text } from "../plugin/types.ts";
import { execute, type Output } from "./execution.ts";

const inputs = {
  create: updates(text),
  update: updates(text),
  delete: updates(text),
  environment: updates(map(text)),
  stdin: updates(text),
  dir: updates(text),
  interpreter: updates(list(text)),
  logging: updates(choice("stdout", "stderr", "stdoutAndStderr", "none")),
  addPreviousOutputInEnv: updates(flag),
  triggers: replaces(list(anything)),
};

/** Inputs with their defaults. Everything but triggers changes in place, which runs a command again. */
type CommandInputs = Filled<typeof inputs>;

/** What the last run printed, for the next one's environment; nothing for what is empty, as the real plugin does. */
const previousOutput = (given: CommandInputs, previous: Partial<Output>): Record<string, string> => {
  if (given.addPreviousOutputInEnv === false) return {};
  const variables = { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => !!entry[1]),
  );
};

/**
 * Lines shown while it runs. The real plugin shows both streams unless told otherwise; here a stream is shown only
 * where `logging` names it, since output may hold what only the state may know.
 */
const shown = (logging: CommandInputs["logging"], status: (line: string) => void) => ({
  ...(logging === "stdout" || logging === "stdoutAndStderr" ? { stdout: status } : {}),
  ...(logging === "stderr" || logging === "stdoutAndStderr" ? { stderr: status } : {}),
});

/** Runs one of the three commands; every one of them gets all the surroundings. */
const run = async (
  command: string | undefined,
  given: CommandInputs,
  previous: Properties,
  { signal, status }: Context<undefined>,
): Promise<Output> => {
  const before = previous as Partial<Output>;
  // Without a command there is nothing to run, and what was printed before stands.
  if (command === undefined) return { stdout: before.stdout ?? "", stderr: before.stderr ?? "" };
  const environment = { ...given.environment, ...previousOutput(given, before) };
  const { dir, stdin, interpreter, logging } = given;
  return execute({ command, dir, stdin, interpreter, environment, show: shown(logging, status) }, signal);
};

/** A command of this machine, run when it is created, changed or deleted. A refresh changes nothing. */
export const command = resource<undefined>()({
  inputs,
  outputs: ["stdout", "stderr"],
  updated: ["stdout", "stderr"],
  create: async (given, context) => ({
    id: `${context.name}${randomBytes(4).toString("hex")}`,
    state: await run(given.create, given, {}, context),
  }),
  update: (_id, given, state, context) => run(given.update ?? given.create, given, state, context),
  delete: async (_id, state, context) => {
    const given = state as CommandInputs;
    await run(given.delete, given, state, context);
  },
});
