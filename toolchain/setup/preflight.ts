import { type Fleet, FleetConfigError } from "../../components/fleet-config.ts";
import { run } from "./child.mjs";
import { readSource, type StackFile } from "./effective-config.ts";
import { claimedPorts, configProblems, fleetOf } from "./fleet.ts";
import { probeMachine } from "./machine.mjs";
import { machineProblems, machineText, portProblems } from "./machine-check.mjs";
import { holders } from "./port-holder.mjs";
import { type Problem, SetupError } from "./problem.mjs";
import { readCheckpoint, resourceCount } from "./stack-state.ts";

/** Says over an operator's config where the clouds are, when they are none. */
export interface StandInCloud {
  config(source: StackFile): Promise<StackFile>;
}

/** What a run is to do, once nothing speaks against it. */
export interface Plan {
  fleet: Fleet;
  source: StackFile;
  text: string;
}

/**
 * Looks at the machine and at the stack's file, changes neither, and reports everything that is wrong with both.
 * @param cloud what the stack's clouds are instead of real ones
 * @param adopt containers that the state does not know are this stack's own
 */
export async function preflight(
  stack: string,
  file: string,
  cloud?: StandInCloud,
  adopt = false,
): Promise<Plan> {
  const given = await readSource(file);
  const source = cloud ? await cloud.config(given) : given;
  const [machine, held, own, checkpoint] = await Promise.all([
    probeMachine(),
    holders(),
    runningContainers(stack),
    readCheckpoint(stack),
  ]);
  const problems = [
    ...machineProblems(machine),
    ...(adopt ? [] : foreignFleet(stack, own, resourceCount(checkpoint))),
  ];
  const fleet = parsed(stack, file, source, problems);
  const ports = fleet ? portProblems(claimedPorts(fleet), held, new Set(own)) : [];
  if (!fleet || problems.length + ports.length > 0) throw new SetupError([...problems, ...ports]);
  return { fleet, source, text: machineText(machine) };
}

/** The fleet, or undefined after adding what is wrong with it; on its own, its message needs no others around it. */
function parsed(stack: string, file: string, source: StackFile, problems: Problem[]): Fleet | undefined {
  try {
    return fleetOf(stack, source);
  } catch (error) {
    if (!(error instanceof FleetConfigError) || problems.length === 0) throw error;
    problems.push(...configProblems(file, error));
    return undefined;
  }
}

/** Names of a stack's containers that run on this machine, whoever made them. */
async function runningContainers(stack: string): Promise<string[]> {
  const argv = ["docker", "ps", "--format", "{{.Names}}", "--filter", `label=owui.stack=${stack}`];
  const { stdout } = await run(argv);
  return stdout.split("\n").filter(Boolean);
}

/** Containers of a stack whose state is not here: another data home's fleet, whose names this one would take. */
export const foreignFleet = (stack: string, running: readonly string[], resources: number): Problem[] =>
  running.length === 0 || resources > 0
    ? []
    : [
        {
          what: `Containers of a stack "${stack}" run here (${running.slice(0, 3).join(", ")}${running.length > 3 ? ", …" : ""}), but its state is not in this data home.`,
          why: "Two fleets of one name would take each other's containers, networks and ports.",
          remedy:
            "Use the data home it was made with (OWUI_HOME), stop it there, or use another stack (--stack). If that state is lost: docs/recovery.md.",
        },
      ];
