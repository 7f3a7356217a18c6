import { readFile } from "node:fs/promises";
import { type Invocation, type LastUp, lastUp, stepsOf } from "../../toolchain/commands/invocation.ts";
import { columns } from "../../toolchain/commands/status-table.ts";
import { ensureImages } from "../../toolchain/setup/images.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { duration, type Steps } from "../../toolchain/setup/steps.mjs";
import { fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { confirmed } from "../confirm.ts";
import { BusyError } from "../exit-code.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, type Saga, type Workshop, work } from "../saga/saga.ts";
import { workshopOf } from "../saga/workshop.ts";
import { unknownTenant } from "../tenant-place.ts";
import { inTurn, type Turns } from "../upgrade/in-turn.ts";
import { planFor } from "../upgrade/plan.ts";
import { ChangeFound, ChangeRequest } from "../upgrade/request.ts";
import { upgradeSaga } from "../upgrade/saga.ts";
import { type Hop, type Release, releaseOf, upstreamImage } from "../upgrade/version.ts";
import { tell } from "./tell.ts";

/** How `fleet upgrade` is asked. */
export interface UpgradeInvocation extends Invocation {
  /** The release, with its `v`. */
  to: string;
  /** Every tenant that runs an older one. */
  all?: boolean;
  /** How many go before all others. */
  canary: number;
  /** How many are worked on at once. */
  parallel: number;
  /** Rows that the new version loses in the rehearsal may be lost. */
  acceptLosses?: boolean;
  yes?: boolean;
}

/** A tenant, and its way. */
interface Job {
  tenant: string;
  hops: Hop[];
}

/** One step of a tenant's way that was taken; what `--json` prints. An interface: scripts read it. */
export interface Upgraded {
  tenant: string;
  operation: string;
  from: string;
  to: string;
  /** How long it did not answer, in seconds; null: not measured. */
  downtimeSeconds: number | null;
  /** What was expected behind the rehearsal; null: it was not rehearsed. */
  expectedSeconds: number | null;
}

/** `fleet upgrade <tenant...> --to v0.11.3`, or `--all`: rehearsed, switched, looked at, and taken back where it does not do. */
export async function upgrade(invocation: UpgradeInvocation, tenants: readonly string[]): Promise<void> {
  const { stack, json } = invocation;
  const to = wanted(invocation, tenants);
  const last = await lastUp(stack);
  if (!last) throw new SetupError([unknownTenant(stack, tenants[0] ?? "", [])]);
  const steps = stepsOf(invocation);
  const jobs = jobsOf(invocation, last, tenants, to, (text) => process.stderr.write(`${text}\n`));
  if (jobs.length === 0) return tell(json, { upgraded: [] }, `No tenant is to be upgraded to ${to.text}.`);
  refuseSilence(invocation);
  await haveImages(steps, last, jobs);
  if (jobs.length > 1) await confirmed(fleetText(invocation, jobs, to), invocation);

  const shop = workshopOf(invocation, last);
  const upgraded: Upgraded[] = [];
  const asked = { ...invocation, yes: invocation.yes || jobs.length > 1 };
  const turns = await inTurn(jobs, jobs.length > 1 ? invocation : { canary: 0, parallel: 1 }, async (job) => {
    const own = jobs.length > 1 ? { ...shop, screen: named(shop.screen, job.tenant) } : shop;
    for (const hop of job.hops) upgraded.push(await taken(asked, job, hop, own));
  });
  if (turns.failed.length > 0) {
    const text = standText(turns, upgraded, last, to);
    if (json) tell(json, { upgraded, failed: turns.failed.map(({ one }) => one.tenant) }, "");
    throw failureOf(turns, jobs.length > 1 ? [text] : []);
  }
  tell(json, { upgraded }, upgraded.map(upgradedText).join("\n"));
}

/** What is wrong with the words of a command, before anything is looked at. */
function wanted({ to, all, canary, parallel }: UpgradeInvocation, tenants: readonly string[]): Release {
  const release = releaseOf(to);
  const problems = [
    ...(release ? [] : [problem(`--to ${to} is no release.`, "Write it with its v, such as v0.11.3.")]),
    ...(all === true || tenants.length > 0
      ? []
      : [problem("Which tenant is to be upgraded is not said.", "Name tenants, or say --all.")]),
    ...(all && tenants.length > 0
      ? [problem("--all and names exclude each other.", "Leave one of them out.")]
      : []),
    ...([canary, parallel].every(Number.isInteger) && canary >= 0 && parallel >= 1
      ? []
      : [problem("--canary and --parallel are whole numbers.", "Write --canary 1 --parallel 3.")]),
  ];
  if (problems.length > 0 || !release) throw new SetupError(problems);
  return release;
}

const problem = (what: string, remedy: string) => ({
  what,
  why: "An upgrade has tenants and a release to go to.",
  remedy,
});

/** A tenant that is named and cannot is refused, one of all is passed over with a word. */
function jobsOf(
  { stack, all = false }: UpgradeInvocation,
  { fleet }: LastUp,
  tenants: readonly string[],
  to: Release,
  say: (text: string) => void,
): Job[] {
  const known = fleet.tenants.map(({ id }) => id);
  const missing = tenants.filter((tenant) => !known.includes(tenant));
  if (missing.length > 0) throw new SetupError(missing.map((tenant) => unknownTenant(stack, tenant, known)));
  const chosen = all ? fleet.tenants : fleet.tenants.filter(({ id }) => tenants.includes(id));
  const plans = chosen.map((spec) => ({ spec, plan: planFor(spec, to) }));
  const refused = plans.flatMap(({ plan }) => ("passed" in plan && plan.remedy !== null ? [plan] : []));
  if (!all && refused.length > 0)
    throw new SetupError(
      refused.map(({ passed, remedy }) => ({
        what: `${passed}.`,
        why: `It is to be upgraded to ${to.text}.`,
        remedy: remedy ?? "",
      })),
    );
  for (const { plan } of plans) if ("passed" in plan) say(`Passed over: ${plan.passed}.`);
  return plans.flatMap(({ spec, plan }) => ("hops" in plan ? [{ tenant: spec.id, hops: plan.hops }] : []));
}

/** Whoever cannot be asked says so before a rehearsal, not behind it. */
function refuseSilence({ yes }: UpgradeInvocation): void {
  if (yes || process.stdin.isTTY) return;
  throw new SetupError([
    {
      what: "Nobody can be asked.",
      why: "An upgrade interrupts users, and asks before it does, with how long that takes.",
      remedy: "Run it in a terminal, or pass --yes.",
    },
  ]);
}

/** On this machine images are pulled or built before any operation begins; other hosts pull their own. */
async function haveImages(steps: Steps, { fleet }: LastUp, jobs: readonly Job[]): Promise<void> {
  const local = new Set(fleet.hosts.filter(({ kind }) => kind === "local").map(({ id }) => id));
  const here = jobs.filter(({ tenant }) =>
    local.has(fleet.tenants.find(({ id }) => id === tenant)?.host ?? ""),
  );
  const images = new Set(here.flatMap(({ hops }) => hops.map(({ to }) => `${upstreamImage}:${to}`)));
  if (images.size > 0) await steps.run("images", (say: Progress) => ensureImages([...images], say));
}

/** One step of a tenant's way, from its beginning to its end. */
async function taken(
  invocation: UpgradeInvocation,
  { tenant }: Job,
  { from, to, why }: Hop,
  shop: Workshop,
): Promise<Upgraded> {
  if (why !== undefined) process.stderr.write(`${tenant} goes by way of ${to}: ${why}.\n`);
  const written = await writtenVersion(invocation, tenant);
  const request = {
    from: { version: from, image: `${upstreamImage}:${from}`, written },
    to: { version: to, image: `${upstreamImage}:${to}`, written: to },
    ...{ put: null, since: null, yes: invocation.yes ?? false },
    acceptLosses: invocation.acceptLosses ?? false,
  } satisfies ChangeRequest;
  return changed(upgradeSaga, tenant, request, shop);
}

/** Has an operation done, and tells what came of it. */
export async function changed(
  saga: Saga,
  tenant: string,
  request: ChangeRequest,
  shop: Workshop,
): Promise<Upgraded> {
  const begun = await begin(saga, tenant, request, shop);
  if ((await work(saga, begun, shop)) === "aborted")
    throw new CommandError(
      `\n  ✗ ${saga.kind} ${begun.id} of ${tenant} was aborted; everything is as it was before.`,
    );
  return upgradedOf(await shop.operations.get(begun.id));
}

function upgradedOf({ id, client, request, found }: Operation): Upgraded {
  const { from, to } = ChangeRequest.parse(request);
  const { downtimeSeconds = null, rehearsal } = ChangeFound.parse(found);
  const expectedSeconds = rehearsal?.expectedSeconds ?? null;
  return {
    tenant: client,
    operation: id,
    from: from.version,
    to: to.version,
    downtimeSeconds,
    expectedSeconds,
  };
}

/** `version` of a tenant's entry as the operator's file has it; null: it has none. */
export async function writtenVersion(invocation: Invocation, tenant: string): Promise<string | null> {
  const text = await readFile(await fileOf(invocation), "utf8");
  const value = valueAt(text, ["tenants", tenant, "version"]);
  return typeof value === "string" ? value : null;
}

export const upgradedText = ({
  tenant,
  from,
  to,
  downtimeSeconds,
  expectedSeconds,
  operation,
}: Upgraded): string => {
  const away =
    downtimeSeconds === null
      ? "nobody measured how long it was away"
      : `it was away for ${duration(downtimeSeconds * 1000)}`;
  const expected = expectedSeconds === null ? "" : ` (expected: ${expectedSeconds} s)`;
  return `${tenant} runs ${to} now; ${away}${expected}. Its database of ${from} is kept: npx fleet rollback ${tenant} (operation ${operation}).`;
};

const fleetText = ({ canary, parallel }: UpgradeInvocation, jobs: readonly Job[], to: Release): string =>
  [
    `${jobs.map(({ tenant }) => tenant).join(", ")}: to ${to.text}, ${canary > 0 ? `${canary} before all others, then ` : ""}${parallel} at once.`,
    "Each is rehearsed on a copy of its database first; its users then wait for about half a minute. The first failure is taken back, and no further one is begun.",
  ].join("\n");

/** One error of all; a tenant that somebody else works on is told by its exit code, where that is all there is. */
export function failureOf({ failed }: Pick<Turns<unknown>, "failed">, more: readonly string[]): CommandError {
  const text = [...failed.map(({ error }) => told(error)), ...more].join("\n");
  return failed.every(({ error }) => error instanceof BusyError)
    ? new BusyError(text)
    : new CommandError(text);
}

/** Who is on what, where it was stopped; pure. */
export function standText(
  { done, failed, left }: Turns<Job>,
  upgraded: readonly Upgraded[],
  { fleet }: Pick<LastUp, "fleet">,
  to: Release,
): string {
  const line = (tenant: string, how: string) => {
    const last = upgraded.filter((one) => one.tenant === tenant).at(-1)?.to;
    const spec = fleet.tenants.find(({ id }) => id === tenant);
    return [tenant, last ?? spec?.image.split(":").at(-1) ?? "?", how];
  };
  return [
    `\nStopped on the way to ${to.text}:`,
    ...columns([
      ["tenant", "version", ""],
      ...done.map(({ tenant }) => line(tenant, "done")),
      ...failed.map(({ one }) => line(one.tenant, "FAILED: see above")),
      ...left.map(({ tenant }) => line(tenant, "not begun")),
    ]),
    "Once the cause is gone, the same command goes on with those that are left.",
  ].join("\n");
}

/** Steps of several tenants on one screen, each with whose it is. */
const named = (screen: Steps, tenant: string): Steps =>
  Object.assign(Object.create(screen) as Steps, {
    run: ((name, ...rest) => screen.run(`${tenant} ${name}`, ...rest)) as Steps["run"],
  });

const told = (error: Error): string =>
  error instanceof CommandError ? error.message : (error.stack ?? String(error));
