import { FleetConfigError } from "../../components/fleet-config.ts";
import { ChildError, run } from "../setup/child.mjs";
import { ensureCommandLine } from "../setup/command-line-build.ts";
import { type Credential, credentialsOf } from "../setup/credential.ts";
import { plainKeys, readSource, writeEffective } from "../setup/effective-config.ts";
import { fleetOf } from "../setup/fleet.ts";
import { ensurePassphrase } from "../setup/passphrase.ts";
import { repository } from "../setup/paths.mjs";
import { type Problem, SetupError } from "../setup/problem.mjs";
import { Pulumi } from "../setup/pulumi.ts";
import { askHidden, mayAsk } from "../setup/question.ts";
import { carryOver } from "../setup/source-edit.ts";
import { ensureStack } from "../setup/stack.ts";
import { readCheckpoint, saltOf } from "../setup/stack-state.ts";
import { askDatabase } from "./ask-database.ts";
import { askOperators } from "./ask-operators.ts";
import { configOf, type Invocation } from "./invocation.ts";
import { placeState } from "./place-state.ts";
import { kitAdvice, placeKit } from "./recovery.ts";

/**
 * `npm run setup -- --stack prod`: asks who operates, where the replicas' database, the state and its recovery kit
 * are to be, and for each secret that the stack's config needs and lacks, tests it (and those it has) against its service,
 * and writes it encrypted into the stack's file. Without a terminal it asks nothing and lists what is missing, with the commands that set it.
 */
export async function setup(invocation: Invocation): Promise<void> {
  const { stack } = invocation;
  const file = configOf(invocation);
  const { cli } = await ensureCommandLine(() => {});
  await askOperators(invocation);
  await askDatabase(invocation);
  await placeState(invocation, cli);
  const source = await readSource(file);
  const pulumi = new Pulumi(stack, cli);
  const salt = source.encryptionsalt ?? saltOf(await readCheckpoint(stack));
  await ensurePassphrase(
    salt,
    mayAsk() ? () => askHidden("The passphrase of this stack's secrets") : undefined,
  );
  const effective = await writeEffective(stack, source, {});
  await ensureStack(pulumi);
  const problems: Problem[] = [];
  for (const credential of credentialsOf(plainKeys(source.config))) {
    const problem = await settle(credential, pulumi, effective, stack);
    if (problem) problems.push(problem);
  }
  await carryOver(effective, file);
  await placeKit(invocation);
  problems.push(...(await otherProblems(stack, file, problems)));
  if (problems.length > 0)
    throw new SetupError(problems, "What was right is stored; run this again for the rest.");
  const advice = await kitAdvice(stack);
  process.stdout.write(`\n${advice}Nothing is missing. Next: npm run preview -- --stack ${stack}\n`);
}

/** Has one credential be there and be right; the problem otherwise. */
async function settle(
  credential: Credential,
  pulumi: Pulumi,
  effective: string,
  stack: string,
): Promise<Problem | undefined> {
  const { key, what, from, variable } = credential;
  const remedy = `Get it from ${from}; then: ${setCommand(stack, credential)}`;
  const present = process.env[variable ?? ""] || (await stored(credential, pulumi, effective));
  const value = present || (mayAsk() ? await askHidden(`${what} (${from})`) : "");
  if (value === "")
    return { what: `${what} is not set (${key}).`, why: "The stack's config needs it.", remedy };
  try {
    process.stdout.write(`  ✓ ${key.padEnd(24)} ${await credential.test(value)}\n`);
  } catch (error) {
    return {
      what: `${what} is not right (${key}).`,
      why: `${(error as Error).message.replace(/\.$/, "")}.`,
      remedy,
    };
  }
  if (!present) await store(credential, value, pulumi, effective);
  return undefined;
}

/** What an operator types to set it; the CLI then asks for the value, which stands in no history of commands. */
export const setCommand = (stack: string, { key, path }: Pick<Credential, "key" | "path">): string =>
  `npm run pulumi -- --stack ${stack} config set --secret ${path ? "--path " : ""}${key}`;

async function stored({ key, path }: Credential, pulumi: Pulumi, effective: string): Promise<string> {
  const flags = [...(path ? ["--path"] : []), "--config-file", effective];
  const { code, stdout } = await pulumi.run(["config", "get", key, ...flags]);
  return code === 0 ? stdout.trim() : "";
}

/** The value goes over standard input. */
async function store(
  { key, path }: Credential,
  value: string,
  pulumi: Pulumi,
  effective: string,
): Promise<void> {
  const flags = ["--secret", ...(path ? ["--path"] : []), "--config-file", effective, "--non-interactive"];
  const argv = ["pulumi", "config", "set", key, ...flags];
  const outcome = await run(argv, { cwd: repository, env: pulumi.environment, input: value });
  if (outcome.code !== 0) throw new ChildError(`${key} could not be stored.`, argv, outcome);
}

/** What else is wrong with the config, each thing once. */
async function otherProblems(stack: string, file: string, told: Problem[]): Promise<Problem[]> {
  try {
    fleetOf(stack, await readSource(file));
    return [];
  } catch (error) {
    if (!(error instanceof FleetConfigError)) throw error;
    return error.problems
      .filter(({ path }) => !told.some(({ what }) => what.includes(`(${path})`)))
      .map(({ path, found, remedy }) => ({
        what: `${path}: ${found}.`,
        why: "A fleet is only declared from a config that is right as a whole.",
        remedy: `In ${file}: ${remedy}.`,
      }));
  }
}
