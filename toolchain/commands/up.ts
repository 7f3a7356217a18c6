import { setTimeout as sleep } from "node:timers/promises";
import type { CloudOfStack } from "../fakes/cloud-of-stack.ts";
import { policyFlags } from "../preview/policy-flags.ts";
import { noticeLosses } from "../setup/drift.ts";
import { leaveOut } from "../setup/left-out.ts";
import { preflight } from "../setup/preflight.ts";
import { prepare } from "../setup/prepare.ts";
import { SetupError } from "../setup/problem.mjs";
import type { Progress } from "../setup/progress.ts";
import { readCheckpoint, resourceCount } from "../setup/stack-state.ts";
import { duration } from "../setup/steps.mjs";
import { adoptingUp, removeStrangers } from "./adopt.ts";
import { nextThings } from "./closing-words.ts";
import { fleetOutputs } from "./fleet-outputs.ts";
import { type FleetView, viewFleet } from "./fleet-status.ts";
import { passGate } from "./gate.ts";
import { removeHalfMade } from "./half-made.ts";
import { configOf, type Invocation, type LastUp, lastUp, stepsOf } from "./invocation.ts";
import { inItsCloud } from "./its-cloud.ts";
import { onSmallFleet, passLicenceGate } from "./licence-gate.ts";
import { triggerSync } from "./node-api.ts";
import { renewKit } from "./recovery.ts";
import { interfaceOf, statusTable } from "./status-table.ts";
import { runEngine } from "./update.ts";

/** A fresh tenant answers after 20 s, its replica is verified within a minute; a slow machine gets ten times that. */
const patienceMs = 10 * 60_000;

/** How `npm run up` is asked. */
export interface UpInvocation extends Invocation {
  /** Takes over what an earlier state of the stack left. */
  adopt?: boolean;
  /** Ids of hosts and tenants of which may go what is refused otherwise. */
  allow?: string[];
  /** Hosts that cannot be asked, and are left as they are. */
  without?: string[];
}

/** `npm run up`: makes what the stack's file declares true, and waits until it is seen to be. */
export const up = (invocation: UpInvocation): Promise<void> =>
  inItsCloud(invocation, (cloud) => bringUp(invocation, cloud));

async function bringUp(invocation: UpInvocation, cloud: CloudOfStack | undefined): Promise<void> {
  const { stack, json, adopt = false, allow = [], without = [] } = invocation;
  const steps = stepsOf(invocation);
  const plan = await steps.run(
    "machine",
    () => preflight(stack, configOf(invocation), cloud, adopt),
    ({ text }) => text,
  );
  const leftOut = leaveOut(without, plan.fleet, await readCheckpoint(stack));
  const { pulumi, configFile } = await prepare(steps, { stack, plan, cloud });
  Object.assign(pulumi.environment, leftOut.environment);
  if (adopt) await steps.run("adopt", () => removeStrangers(stack, plan.fleet), String);
  await removeHalfMade(steps, pulumi, plan.fleet, configFile);
  const again = [...(await noticeLosses(steps, pulumi, configFile)), ...leftOut.flags];
  // What was never made cannot be lost; the policies are held against it while it is made.
  if (resourceCount(await readCheckpoint(stack)) > 0) {
    const intended = { fleet: plan.fleet, configFile, flags: again, allow };
    await steps.run("look", (progress: Progress) => passGate(pulumi, intended, progress));
    const outputs = onSmallFleet(plan.fleet).length > 0 ? await fleetOutputs(pulumi) : undefined;
    // Before the first whole `up` nobody can have used it.
    if (outputs) await steps.run("licence", () => passLicenceGate(plan.fleet, outputs), String);
  }
  // What is refused for one tenant, or fails, keeps no other from what it needs.
  const flags = ["--yes", "--skip-preview", "--continue-on-error", "--config-file", configFile, ...again];
  flags.push(...(await policyFlags(stack, plan.fleet)));
  const tally = await steps.run(
    "fleet",
    (progress: Progress) =>
      (adopt
        ? adoptingUp(pulumi, flags, configFile, progress)
        : runEngine(pulumi, "up", flags, progress)
      ).finally(async () => {
        const unwritten = await renewKit(invocation);
        if (unwritten) progress(unwritten);
      }),
    ({ summary }) => summary,
  );
  // A replica verified while its tenant was still being made equals something nobody asked about.
  const since = tally.done > 0 ? Date.now() : 0;
  const last = await lastUp(stack);
  if (!last) throw new Error(`the program of stack ${stack} exports no fleet`);
  const running = plan.fleet.running;
  const view = await steps.run(
    "tenants",
    (progress: Progress) =>
      running ? untilWell(last, since, leftOut.tenants, progress) : viewFleet(last.fleet, last.outputs),
    (view) => (running ? wellText(view, without) : "stopped: the config says running: false"),
  );
  if (json) process.stdout.write(`${JSON.stringify(interfaceOf(view), undefined, 2)}\n`);
  else
    process.stdout.write(
      `\n${statusTable(view, Date.now())}\n\n${nextThings(invocation, last)}\n\n${tookText()}\n`,
    );
}

/** What all is well with; a replica that is held is the operator's to decide about. */
export function wellText({ tenants }: Pick<FleetView, "tenants">, without: readonly string[] = []): string {
  const held = tenants.filter(({ replica }) => replica.held).map(({ id }) => id);
  const well =
    held.length === 0 ? "healthy, replicas equal" : `healthy; held: the replica of ${held.join(", ")}`;
  return without.length === 0 ? well : `${well}; left as it was: host ${without.join(", ")}`;
}

/** Looks until every running tenant, but for those left out, is healthy and its replica was found equal after `since`. */
async function untilWell(
  { fleet, outputs }: LastUp,
  since: number,
  leftOut: readonly string[],
  progress: Progress,
): Promise<FleetView> {
  const end = Date.now() + patienceMs;
  const hastened = new Set<string>();
  for (;;) {
    const seen = await viewFleet(fleet, outputs);
    const view = { ...seen, resting: [...seen.resting, ...leftOut] };
    const missing = unwell(view, since);
    if (missing.length === 0) return seen;
    if (Date.now() > end) throw notWell(fleet.stack, view, missing);
    progress(`waiting for ${missing.join("; ")}`);
    for (const id of stale(view, since)) {
      if (!hastened.has(id)) await triggerSync(outputs, id);
      hastened.add(id);
    }
    await sleep(1_000);
  }
}

/** Healthy tenants whose replica was neither found equal nor held after `since`, in milliseconds since 1970. */
const stale = ({ tenants, resting }: FleetView, since: number): string[] =>
  tenants
    .filter(({ id, health }) => health === "healthy" && !resting.includes(id))
    .filter(
      ({ replica: { equal, verified_at } }) => !equal || !verified_at || Date.parse(verified_at) < since,
    )
    .filter((tenant) => !isHeld(tenant, since))
    .map(({ id }) => id);

/** Whether a sync that ended after `since` left the replica to an operator's decision: no waiting changes that. */
const isHeld = ({ replica: { held }, last }: FleetView["tenants"][number], since: number): boolean =>
  held !== null && !held.accepted && last?.status === "held" && Date.parse(last.finished_at ?? "") >= since;

/** What is not yet as it should be, in words; empty when all is well. */
export function unwell(view: FleetView, since: number): string[] {
  const ill = view.tenants.filter(({ id, health }) => health !== "healthy" && !view.resting.includes(id));
  return [
    ...ill.map(({ id, health }) => `${id} (${health})`),
    ...stale(view, since).map((id) => `the replica of ${id}`),
    ...(view.nodes.some(({ leader }) => leader) ? [] : ["a leading node"]),
  ];
}

function notWell(stack: string, view: FleetView, missing: string[]): SetupError {
  const errors = Object.entries(view.errors).map(([id, error]) => `${id}: ${error}`);
  return new SetupError(
    [
      {
        what: `After ${duration(patienceMs)} there is still no ${missing.join(", no ")}.`,
        why:
          errors.length > 0 ? `The latest syncs failed: ${errors.join("; ")}` : "No sync reported an error.",
        remedy: `Look at \`npm run status\`, and at \`docker logs owui-${stack}-node-a\` or \`… owui-${stack}-tenant-<id>\`.`,
      },
    ],
    "Everything was declared and keeps running; what is late may still come.",
  );
}

/** How long all of it took, from the first line of up.mjs. */
const tookText = (): string =>
  `Took ${duration(Date.now() - Number(process.env.OWUI_STARTED ?? Date.now()))}.`;
