import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PolicyResults } from "../preview/policy-results.ts";
import { locked } from "../setup/lock.mjs";
import { stackFolder } from "../setup/paths.mjs";
import { CommandError } from "../setup/problem.mjs";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { isLocked, lives, lockHolders, StackLockedError } from "../setup/stack-lock.ts";
import { type EngineEvent, Tally } from "./engine-events.ts";
import { followEvents } from "./event-log.ts";

/** How often a long update says where it is. */
const reportMs = 5_000;

/** The engine could not do all it was to. */
export class UpdateError extends CommandError {
  /** What went wrong, each cause as the engine or the program told it. */
  readonly causes: readonly string[];

  constructor(command: string, errors: readonly string[], log: string) {
    super(
      [
        `\n  ✗ \`pulumi ${command}\` did not get through.`,
        ...errors.map((cause) => `\n${cause.replaceAll(/^/gm, "    ")}`),
        `\n    everything it printed: ${log}`,
        "\nWhat it had done stays as it is, in the state too; tenants' data is untouched. Run the command again once",
        "the cause is gone: it goes on from here.",
      ].join("\n"),
    );
    this.name = "UpdateError";
    this.causes = errors;
  }
}

/**
 * Lets the engine change or look at the stack, telling where it is; answers what it did. Changes of one stack are
 * made one after the other, as the engine itself would insist on.
 */
export const runEngine = (
  pulumi: Pulumi,
  command: "up" | "destroy" | "preview",
  flags: readonly string[],
  progress: Progress,
  onEvent?: (event: EngineEvent) => void,
): Promise<Tally> => {
  const work = () => follow(pulumi, command, flags, progress, onEvent);
  return command === "preview" ? work() : locked(`stack-${pulumi.stack}`, progress, work);
};

async function follow(
  pulumi: Pulumi,
  command: "up" | "destroy" | "preview",
  flags: readonly string[],
  progress: Progress,
  onEvent: (event: EngineEvent) => void = () => {},
): Promise<Tally> {
  const folder = stackFolder(pulumi.stack);
  const [log, events] = [join(folder, `${command}.log`), join(folder, `${command}-${process.pid}.events`)];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(log, { force: true });
  await removeStale(folder);

  const finished = new AbortController();
  const tally = new Tally();
  const policies = new PolicyResults();
  const work = pulumi
    .run([command, ...flags, "--event-log", events, "--suppress-outputs"], { log })
    .finally(() => finished.abort());
  const report = setInterval(() => command !== "preview" && tally.text && progress(tally.text), reportMs);
  try {
    for await (const event of followEvents(events, finished.signal)) {
      tally.add(event);
      policies.add(event);
      onEvent(event);
    }
    const { code, stderr } = await work;
    if (code === 0) return tally;
    if (isLocked(stderr)) throw new StackLockedError(pulumi.stack, lockHolders(stderr));
    const said = stderr.trim() || `It was ended from outside, or gave no reason (exit code ${code}).`;
    const errors = [...tally.errors, ...(command === "preview" ? [] : brokenPolicies(policies))];
    throw new UpdateError(command, errors.length > 0 ? errors : [said], log);
  } finally {
    clearInterval(report);
    await rm(events, { force: true });
  }
}

/** What was not made because it would have broken a policy; in a preview the report says it. */
const brokenPolicies = ({ results }: PolicyResults): string[] =>
  results.violations
    .filter(({ level }) => level === "mandatory")
    .map(({ policy, resource, message }) => `${resource} breaks the policy ${policy}: ${message}`);

/** Removes the event logs of runs that were killed: what they tell of a fleet is nobody's to read later. */
async function removeStale(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const pid = /-(\d+)\.events$/.exec(file)?.[1];
    if (pid && !lives(Number(pid))) await rm(join(folder, file), { force: true });
  }
}
