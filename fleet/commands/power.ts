import { readFile } from "node:fs/promises";
import { dockerName } from "../../components/container.ts";
import { viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { stepsOf } from "../../toolchain/commands/invocation.ts";
import { run } from "../../toolchain/setup/child.mjs";
import { locked } from "../../toolchain/setup/lock.mjs";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { duration } from "../../toolchain/setup/steps.mjs";
import { appliedText, applyEdit, type EditInvocation, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import { argvOn } from "../on-host/asked-host.ts";
import { placeOf, type TenantPlace, unknownTenant } from "../tenant-place.ts";
import { until } from "../until.ts";

/** What a start of the application costs its users: it answers 20 s after its start, 46.6 s on two cores with much else to do. */
export const interruption =
  "Its users wait for about half a minute, until the application has started; what they type meanwhile is not lost by it.";

/** How long an application may take to answer again, and how often is looked. */
const patienceMs = 5 * 60_000;
const lookMs = 500;

/** `fleet stop acme`: its container goes, everything else stays; the config says so, so that it stays stopped. */
export async function stop(invocation: EditInvocation, tenants: readonly string[]): Promise<void> {
  await known(invocation, tenants);
  if (invocation.branch === undefined)
    await confirmed(
      `${listed(tenants)} cannot be reached from then on, until \`npx fleet start\`. All data stays.`,
      invocation,
    );
  await setRunning(invocation, tenants, "stopped", false);
}

/** `fleet start acme`: what was stopped runs again. */
export async function start(invocation: EditInvocation, tenants: readonly string[]): Promise<void> {
  await known(invocation, tenants);
  await setRunning(invocation, tenants, "started", undefined);
}

async function setRunning(
  invocation: EditInvocation,
  tenants: readonly string[],
  done: string,
  value: false | undefined,
): Promise<void> {
  const applied = await applyEdit(invocation, {
    edits: tenants.map((id) => ({ path: ["tenants", id, "running"], value })),
    message: `${tenants.join(", ")}: ${done}`,
  });
  process.stdout.write(
    invocation.json ? `${JSON.stringify(applied, undefined, 2)}\n` : `${appliedText(applied)}\n`,
  );
}

/** Refuses what has no entry, before anything is asked. */
async function known(invocation: EditInvocation, tenants: readonly string[]): Promise<void> {
  const entries = valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants"]);
  const ids = Object.keys((entries ?? {}) as object);
  const problems = tenants
    .filter((tenant) => !ids.includes(tenant))
    .map((tenant) => unknownTenant(invocation.stack, tenant, ids));
  if (problems.length > 0) throw new SetupError(problems);
}

/** What `fleet restart --json` prints. */
export interface Restarted {
  tenant: string;
  /** From the order to stop until it answered through its site again, in seconds. */
  seconds: number;
}

/** `fleet restart acme`: the same container anew. Nothing of the config changes. */
export async function restart(invocation: EditInvocation, tenants: readonly string[]): Promise<void> {
  const places: TenantPlace[] = [];
  for (const tenant of tenants) places.push(await placeOf(invocation, tenant));
  const stopped = places.filter(({ spec }) => !spec.running).map(({ spec }) => spec.id);
  if (stopped.length > 0) throw new SetupError([notRunning(listed(stopped), stopped)]);
  await confirmed(`${listed(tenants)}: the application is stopped and started. ${interruption}`, invocation);
  const steps = stepsOf(invocation);
  const done: Restarted[] = [];
  // One after the other: on a small host two that start at once take as long as both together.
  for (const place of places)
    done.push(
      await steps.run(
        place.spec.id,
        (say: Progress) =>
          locked(`stack-${invocation.stack}`, say, () => restartOne(invocation.stack, place, say)),
        ({ seconds }) => `answers again, ${duration(seconds * 1000)} after it was stopped`,
      ),
    );
  if (invocation.json) process.stdout.write(`${JSON.stringify({ tenants: done }, undefined, 2)}\n`);
}

async function restartOne(
  stack: string,
  { last, spec, host }: TenantPlace,
  say: Progress,
): Promise<Restarted> {
  const container = dockerName({ stack, role: "tenant", of: spec.id });
  const argv = argvOn(host, ["docker", "restart", "--time", "30", container]);
  if (!argv) throw new SetupError([notRunning(spec.id, [spec.id])]);
  const from = performance.now();
  say("stopping");
  const { code, stderr } = await run(argv, { timeout: 120_000 });
  if (code !== 0)
    throw new CommandError(
      `\n  ✗ ${spec.id} could not be restarted: ${stderr.trim()}\n    remedy: \`npm run up\` makes what is missing.`,
    );
  const alone = { ...last.fleet, tenants: [spec] };
  const look = async () => {
    say("waiting for it to answer");
    const view = await viewFleet(alone, last.outputs);
    return view.tenants[0]?.health === "healthy" || undefined;
  };
  if (await until(look, { patienceMs, lookMs }))
    return { tenant: spec.id, seconds: Math.round(performance.now() - from) / 1000 };
  throw new CommandError(
    `\n  ✗ ${spec.id} was restarted and has not answered within ${duration(patienceMs)}.\n    remedy: see what it says: npx fleet logs ${spec.id}`,
  );
}

const listed = (tenants: readonly string[]): string => tenants.join(", ");

const notRunning = (what: string, tenants: readonly string[]) => ({
  what: `${what} does not run.`,
  why: "Only what runs can be restarted.",
  remedy: `Start it: npx fleet start ${tenants.join(" ")}`,
});
