import type { HostSpec } from "../../components/fleet-config.ts";
import { interpreter } from "../../components/host/local.ts";
import { quote, type Script, shellLine } from "../../components/host/shell.ts";
import { operatorUser } from "../../components/machine/set-up.ts";
import { asRoot, sshArguments } from "../../components/machine/ssh.ts";
import { toolbox } from "../../components/machine/toolbox.ts";
import type { LastUp } from "../../toolchain/commands/invocation.ts";
import { run } from "../../toolchain/setup/child.mjs";

/** One host as it is asked. */
export interface AskedHost {
  spec: HostSpec;
  /** What its set-up was told by the last `up`; absent: none has met it. */
  told: Script["variables"] | undefined;
  /** argv of ssh clients that may reach it, in the order in which they are tried; none of this machine. */
  doors: string[][];
}

/** A host, by what the last `up` left of it. */
export function askedHost(spec: HostSpec, identity: string | undefined, last: LastUp | undefined): AskedHost {
  const known = last?.outputs.hosts[spec.id];
  const doors = known?.target ? [sshArguments({ identity, ...known.target })] : firstDoors(spec, identity);
  return { spec, told: known?.setUp, doors };
}

/** A server that no `up` has met is asked as whoever may have been let in to it; a droplet that none made is not there. */
function firstDoors(spec: HostSpec, identity: string | undefined): string[][] {
  if (spec.kind !== "ssh") return [];
  const { address, hostKey, user } = spec;
  return [operatorUser, user].map((user) => sshArguments({ user, address, hostKey, identity }));
}

export const notMet = "no `npm run up` has met it yet";

/** What it printed, or why it could not be asked. */
export type Answer = { said: string } | { failure: string };

/**
 * Runs a script as root on a host, without leaving anything there.
 * @param variables what it reads from its environment; no secret, since a command line shows them
 */
export async function runOn(
  { spec, doors }: AskedHost,
  text: string,
  variables: Script["variables"],
): Promise<Answer> {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`);
  const line = [...set, "sh -s"].join(" ");
  if (spec.kind === "local") return ended(await run([...interpreter(), line], { input: text }));
  if (doors.length === 0) return { failure: notMet };
  let failure = "";
  for (const door of doors) {
    const user = door.at(-1)?.split("@")[0];
    const outcome = await run([...door, asRoot(line, user)], { input: text });
    // 255 is ssh's own: nothing was run there.
    if (outcome.code !== 255) return ended(outcome);
    failure ||= outcome.stderr.trim();
  }
  return { failure: `it cannot be reached: ${failure}` };
}

const ended = ({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>): Answer =>
  code === 0 ? { said: stdout } : { failure: stderr.trim() || `the script ended with ${code}` };

/** argv that runs a program on a host, as its operator: its engine's client needs no root. */
export const argvOn = ({ spec, doors: [door] }: AskedHost, argv: readonly string[]): string[] | undefined =>
  spec.kind === "local" ? [...argv] : door && [...door, ...argv.map(quote)];

/**
 * argv that runs one of the fleet's scripts as root on a host that has them, with its standard input and output free for
 * data. Undefined: no `up` has met it yet.
 */
export function scriptOn({ spec, doors: [door] }: AskedHost, script: Script): string[] | undefined {
  if (spec.kind === "local") return [...interpreter(), shellLine([script])];
  const user = door?.at(-1)?.split("@")[0];
  return door && [...door, asRoot(shellLine([script], toolbox), user)];
}
