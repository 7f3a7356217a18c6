import { access } from "node:fs/promises";
import type { HostSpec, OperatorsSpec } from "../../components/fleet-config.ts";
import { interpreter } from "../../components/host/local.ts";
import { quote, type Script, scriptText } from "../../components/host/shell.ts";
import { operatorUser, type SetUpArgs, setUp } from "../../components/machine/set-up.ts";
import { asRoot, sshArguments } from "../../components/machine/ssh.ts";
import { run } from "../setup/child.mjs";
import { effectiveFile, readSource } from "../setup/effective-config.ts";
import { fleetOf } from "../setup/fleet.ts";
import { SetupError } from "../setup/problem.mjs";
import { changesText, type HostChanges, type HostFindings, securityText } from "./host-text.ts";
import { configOf, type Invocation, lastUp } from "./invocation.ts";
import { readFacts, securityFindings } from "./security-findings.ts";

/** What `npm run host` does. */
export const looks = ["check", "repair", "security"] as const;

export const hostHelp = `
Exit code: 0 all is as it should be · 1 something is not, or a host could not be asked

Examples:
  npm run host -- check               what the set-up would change on each host; changes nothing
  npm run host -- check old           the same for one, before it is brought up too
  npm run host -- repair fra1-a       run its set-up again: what somebody changed there is put right
  npm run host -- security --json     sign-in, firewall, open ports, patches and more, for scripts`;

/** One host as it is asked. */
interface Asked {
  spec: HostSpec;
  /** What its set-up was told by the last `up`; absent: none has met it. */
  told: Script["variables"] | undefined;
  /** argv of ssh clients that may reach it, in the order in which they are tried; none of this machine. */
  doors: string[][];
}

/** `npm run host -- check|repair|security [host]`: looks at the machines themselves; only `repair` changes anything. */
export async function host(
  invocation: Invocation,
  look: (typeof looks)[number],
  only?: string,
): Promise<void> {
  const { fleet, hosts } = await hostsOf(invocation, only);
  if (look !== "security") {
    const remote = hosts.filter(({ spec }) => spec.kind !== "local");
    const answers = await Promise.all(remote.map((asked) => settle(asked, fleet.operators, look)));
    const locals = hosts.filter(({ spec }) => spec.kind === "local").map(({ spec }) => spec.id);
    answer(invocation, answers, changesText(answers, locals, look));
    return say(answers.every(({ changes }) => changes && (look === "repair" || changes.length === 0)));
  }
  const answers = await Promise.all(hosts.map(security));
  answer(invocation, answers, securityText(answers));
  say(answers.every(({ findings }) => findings?.every(({ state }) => state !== "bad")));
}

const say = (well: boolean): void => {
  process.exitCode = well ? 0 : 1;
};

function answer({ json }: Invocation, hosts: (HostChanges | HostFindings)[], text: string): void {
  process.stdout.write(json ? `${JSON.stringify({ hosts }, undefined, 2)}\n` : `${text}\n`);
}

/** The hosts that are asked about: of the stack as it was last brought up, else of its config. */
async function hostsOf(invocation: Invocation, only: string | undefined) {
  const { stack } = invocation;
  const effective = effectiveFile(stack);
  const [last, applied] = await Promise.all([
    lastUp(stack),
    access(effective).then(
      () => true,
      () => false,
    ),
  ]);
  const source = await readSource(applied && !invocation.configFile ? effective : configOf(invocation));
  const fleet = fleetOf(stack, source);
  const specs = fleet.hosts.filter(({ id }) => only === undefined || id === only);
  if (specs.length === 0)
    throw new SetupError([
      {
        what: `Stack ${stack} has no host "${only}".`,
        why: `Its hosts are: ${fleet.hosts.map(({ id }) => id).join(", ")}.`,
        remedy: "Name one of them, or none for all.",
      },
    ]);
  const hosts = specs.map((spec): Asked => {
    const { identity } = fleet.operators;
    const known = last?.outputs.hosts[spec.id];
    const doors = known?.target ? [sshArguments({ identity, ...known.target })] : firstDoors(spec, identity);
    return { spec, told: known?.setUp, doors };
  });
  return { fleet, hosts };
}

/** A server that no `up` has met is asked as whoever may have been let in to it; a droplet that none made is not there. */
function firstDoors(spec: HostSpec, identity: string | undefined): string[][] {
  if (spec.kind !== "ssh") return [];
  const { address, hostKey, user } = spec;
  return [operatorUser, user].map((user) => sshArguments({ user, address, hostKey, identity }));
}

const notMet = "no `npm run up` has met it yet";

/** What it printed, or why it could not be asked. */
type Answer = { said: string } | { failure: string };

/** Runs a script of hosts as root, without leaving anything there. */
async function runOn({ spec, doors }: Asked, { script, variables }: Script): Promise<Answer> {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${quote(String(value))}`);
  const line = [...set, "sh -s"].join(" ");
  const input = scriptText(script).toString();
  if (spec.kind === "local") return ended(await run([...interpreter(), line], { input }));
  if (doors.length === 0) return { failure: notMet };
  let failure = "";
  for (const door of doors) {
    const user = door.at(-1)?.split("@")[0];
    const outcome = await run([...door, asRoot(line, user)], { input });
    // 255 is ssh's own: nothing was run there.
    if (outcome.code !== 255) return ended(outcome);
    failure ||= outcome.stderr.trim();
  }
  return { failure: `it cannot be reached: ${failure}` };
}

const ended = ({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>): Answer =>
  code === 0 ? { said: stdout } : { failure: stderr.trim() || `the script ended with ${code}` };

/** What its set-up would change now, or changes: as the last `up` did it, before that as its entry says. */
async function settle(
  asked: Asked,
  operators: OperatorsSpec,
  look: "check" | "repair",
): Promise<HostChanges> {
  const { id } = asked.spec;
  if (look === "repair" && !asked.told) return { host: id, changes: null, failure: notMet };
  const { script, variables } = setUp(entryOf(asked.spec, operators));
  const mode = { MODE: look === "check" ? "check" : "apply" };
  const answer = await runOn(asked, { script, variables: { ...(asked.told ?? variables), ...mode } });
  if ("failure" in answer) return { host: id, changes: null, failure: answer.failure };
  // Its last line says how many they are.
  const lines = answer.said.trim().split("\n").slice(0, -1);
  return { host: id, changes: lines.map((line) => line.replace(/^would /, "")) };
}

const entryOf = (spec: HostSpec, { keys, addresses }: OperatorsSpec): SetUpArgs => ({
  ...{ keys, addresses, agent: { port: spec.agentPort, from: [] }, root: spec.root },
  ...("swap" in spec ? { swap: spec.swap } : {}),
});

async function security(asked: Asked): Promise<HostFindings> {
  const { spec } = asked;
  const answer = await runOn(asked, { script: "security-report", variables: { DATA_ROOT: spec.root } });
  if ("failure" in answer) return { host: spec.id, findings: null, failure: answer.failure };
  const facts = readFacts(answer.said);
  if (!facts) return { host: spec.id, findings: null, failure: "its report was cut off" };
  const judged = {
    local: spec.kind === "local",
    ports: [22, 80, 443, spec.agentPort],
    now: Date.now() / 1000,
  };
  return { host: spec.id, findings: securityFindings(facts, judged) };
}
