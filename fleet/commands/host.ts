import { access } from "node:fs/promises";
import type { HostSpec, OperatorsSpec } from "../../components/fleet-config.ts";
import { scriptText } from "../../components/host/shell.ts";
import { type SetUpArgs, setUp } from "../../components/machine/set-up.ts";
import { configOf, type Invocation, lastUp } from "../../toolchain/commands/invocation.ts";
import { effectiveFile, readSource } from "../../toolchain/setup/effective-config.ts";
import { fleetOf } from "../../toolchain/setup/fleet.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, askedHost, notMet, runOn } from "../on-host/asked-host.ts";
import { changesText, type HostChanges, type HostFindings, securityText } from "./host-text.ts";
import { readFacts, securityFindings } from "./security-findings.ts";

/** What can be had of a host. */
export type Look = "check" | "repair" | "security";

/** `npm run host -- check|repair|security [host]`: looks at the machines themselves; only `repair` changes anything. */
export async function host(invocation: Invocation, look: Look, only?: string): Promise<void> {
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
  const hosts = specs.map((spec) => askedHost(spec, fleet.operators.identity, last));
  return { fleet, hosts };
}

/** What its set-up would change now, or changes: as the last `up` did it, before that as its entry says. */
async function settle(
  asked: AskedHost,
  operators: OperatorsSpec,
  look: "check" | "repair",
): Promise<HostChanges> {
  const { id } = asked.spec;
  if (look === "repair" && !asked.told) return { host: id, changes: null, failure: notMet };
  const { script, variables } = setUp(entryOf(asked.spec, operators));
  const mode = { MODE: look === "check" ? "check" : "apply" };
  const answer = await runOn(asked, scriptText(script).toString(), {
    ...(asked.told ?? variables),
    ...mode,
  });
  if ("failure" in answer) return { host: id, changes: null, failure: answer.failure };
  // Its last line says how many they are.
  const lines = answer.said.trim().split("\n").slice(0, -1);
  return { host: id, changes: lines.map((line) => line.replace(/^would /, "")) };
}

const entryOf = (spec: HostSpec, { keys, addresses }: OperatorsSpec): SetUpArgs => ({
  ...{ keys, addresses, agent: { port: spec.agentPort, from: [] }, root: spec.root },
  ...("swap" in spec ? { swap: spec.swap } : {}),
});

async function security(asked: AskedHost): Promise<HostFindings> {
  const { spec, told } = asked;
  const answer = await runOn(asked, scriptText("security-report").toString(), { DATA_ROOT: spec.root });
  if ("failure" in answer) return { host: spec.id, findings: null, failure: answer.failure };
  const facts = readFacts(answer.said);
  if (!facts) return { host: spec.id, findings: null, failure: "its report was cut off" };
  const judged = {
    local: spec.kind === "local",
    ports: [
      22,
      80,
      443,
      ...String(told?.AGENT_PORT ?? spec.agentPort)
        .split(" ")
        .map(Number),
    ],
    now: Date.now() / 1000,
  };
  return { host: spec.id, findings: securityFindings(facts, judged) };
}
