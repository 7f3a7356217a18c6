import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { type Invocation, lastUp, noFleet, stepsOf } from "../../toolchain/commands/invocation.ts";
import {
  askHistory,
  askTenant,
  cancel,
  move,
  type Order,
  order,
  RefusedError,
} from "../../toolchain/commands/node-api.ts";
import { endText, type PastSync, progressText, type TenantSync } from "../../toolchain/commands/sync-view.ts";
import { type Problem, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress as Say } from "../../toolchain/setup/progress.ts";

/** How often is looked, and for how long no node may answer before it is given up. */
const lookMs = 1_000;
const silenceMs = 60_000;

/** How `npm run sync` is asked to go about it. */
export interface SyncInvocation extends Invocation {
  /** Reads every row back, and repairs what differs. */
  verify?: boolean;
  /** Takes what the replica is held for as right. */
  accept?: boolean;
  /** Stops syncing it, until it is resumed. */
  pause?: boolean;
  resume?: boolean;
  /** Ends what waits and what runs. */
  cancel?: boolean;
  /** Starts nothing: follows what runs or waits already. */
  follow?: boolean;
  /** Does not ask. */
  yes?: boolean;
}

/** What the exit code says. */
export const exitCodes: Record<string, number> = {
  success: 0,
  unchanged: 0,
  failed: 1,
  cancelled: 1,
  held: 3,
};

/** `npm run sync -- acme`: has one tenant synced now, and says how it went. */
export async function sync(invocation: SyncInvocation, tenant: string): Promise<void> {
  const { stack, json } = invocation;
  refuseContradictions(invocation);
  const last = await lastUp(stack);
  const known = Object.keys(last?.outputs.tenants ?? {});
  if (!last || !known.includes(tenant)) throw new SetupError([unknown(stack, tenant, known)]);
  const { outputs } = last;
  const instead = await withoutSync(invocation, outputs, tenant);
  if (instead) return write(invocation, instead);
  const job = await begin(invocation, outputs, tenant);
  const ended = await stepsOf(invocation).run(
    tenant,
    (say: Say) => followed(outputs, tenant, job, say),
    endText,
  );
  if (json) process.stdout.write(`${JSON.stringify(ended, undefined, 2)}\n`);
  process.exitCode = exitCodes[ended.status] ?? 1;
}

/** What was done instead of a sync, as it is told to people and to scripts. */
interface Done {
  text: string;
  data: unknown;
}

/** Pauses, resumes or cancels where that is what is asked for; undefined where a sync is. */
async function withoutSync(
  invocation: SyncInvocation,
  outputs: FleetOutputs,
  tenant: string,
): Promise<Done | undefined> {
  const { pause, resume } = invocation;
  if (pause || resume) {
    const data = await asked(invocation, () => move(outputs, tenant, pause ? "pause" : "resume"));
    return { text: `${tenant} is ${data.status}, by ${data.by} since ${data.since}.`, data };
  }
  if (!invocation.cancel) return undefined;
  const jobs = await asked(invocation, () => cancel(outputs, tenant));
  return { text: cancelledText(tenant, jobs), data: { jobs } };
}

/** What became of the jobs that were cancelled. */
export function cancelledText(tenant: string, jobs: { job: string; status: string }[]): string {
  if (jobs.length === 0) return `Nothing of ${tenant} waits or runs: there is nothing to cancel.`;
  const words = jobs.map(({ job, status }) =>
    status === "running" ? `job ${job} is being broken off` : `job ${job} waits no more`,
  );
  return `${words.join(", ")}. The replica keeps what it has; the next sync comes at its interval.`;
}

function write({ json }: SyncInvocation, { text, data }: Done): void {
  process.stdout.write(`${json ? JSON.stringify(data, undefined, 2) : text}\n`);
}

/** What a node answers; that it refuses, or that none answers, is told as a problem. */
async function asked<T>(invocation: Invocation, ask: () => Promise<T | undefined>): Promise<T> {
  try {
    const answer = await ask();
    if (answer !== undefined) return answer;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SetupError([
      {
        what: error.message,
        why: "The node refused what was asked.",
        remedy: "Look at `npm run status`, then decide again.",
      },
    ]);
  }
  throw new SetupError([silent(invocation)]);
}

function refuseContradictions({ verify, accept, follow, pause, resume, cancel }: SyncInvocation): void {
  const given = Object.entries({ verify, accept, follow, pause, resume, cancel }).filter(([, is]) => is);
  if (given.length > 1)
    throw new SetupError([
      {
        what: `${given.map(([name]) => `--${name}`).join(" and ")} do not go together.`,
        why: "Each of them says what is to be done, and one thing is done at a time.",
        remedy: "Run the command with one of them, then with the other.",
      },
    ]);
}

/** Has the job queued that the invocation is about; answers its number. */
async function begin(invocation: SyncInvocation, outputs: FleetOutputs, tenant: string): Promise<string> {
  const state = await askTenant(outputs, tenant);
  if (!state) throw new SetupError([silent(invocation)]);
  if (invocation.follow) {
    const [newest] = (await askHistory(outputs, tenant)) ?? [];
    const job = state.running?.id ?? newest?.id;
    if (!job)
      throw new SetupError([
        {
          what: `Nothing was ever synced of ${tenant}.`,
          why: "There is no sync to follow.",
          remedy: `Run \`npm run sync -- ${tenant}\`.`,
        },
      ]);
    return job;
  }
  const wanted: Order = invocation.accept
    ? { what: "accept", held: await confirmed(invocation, tenant, state) }
    : { what: invocation.verify ? "verify" : "trigger" };
  return asked(invocation, () => order(outputs, tenant, wanted));
}

/** Shows what a replica is held for and lets the operator type the tenant's name; the id of what was accepted. */
async function confirmed(
  { yes, json }: SyncInvocation,
  tenant: string,
  { replica: { held, verified_at } }: TenantSync,
): Promise<string> {
  if (!held)
    throw new SetupError([
      {
        what: `The replica of ${tenant} is not held.`,
        why: "There is nothing to accept: the next sync goes through by itself.",
        remedy: `Run \`npm run sync -- ${tenant}\`, or look at \`npm run status\`.`,
      },
    ]);
  const out = json ? process.stderr : process.stdout;
  out.write(
    `\nThe replica of ${tenant} is held since ${held.since}: ${held.text}.\n` +
      `It keeps what it had at ${verified_at}. Accepted, it follows the source; what vanished there is kept as tombstones.\n`,
  );
  if (yes) return held.id;
  if (process.stdin.isTTY) {
    const prompt = createInterface({ input: process.stdin, output: out });
    const typed = await prompt.question("Type the tenant's name if the source is right: ");
    prompt.close();
    if (typed.trim() === tenant) return held.id;
  }
  throw new SetupError(
    [
      {
        what: "Nothing was accepted.",
        why: "Whether the source is right is for somebody to decide who has looked at it.",
        remedy: `Type "${tenant}" when asked, or pass --yes where nobody can be asked.`,
      },
    ],
    "The replica stays held and keeps what it has.",
  );
}

/** Looks at a job until it has ended, and says meanwhile how far it is. */
async function followed(outputs: FleetOutputs, tenant: string, job: string, say: Say): Promise<PastSync> {
  let heard = Date.now();
  for (;;) {
    const [history, state] = await Promise.all([askHistory(outputs, tenant), askTenant(outputs, tenant)]);
    // Its number is not found again where a run that found nothing new was folded into the next.
    const found = history?.findLast(({ id }) => Number(id) >= Number(job));
    if (found?.finished_at) return found;
    if (history) heard = Date.now();
    else if (Date.now() - heard > silenceMs)
      throw new SetupError(
        [
          {
            what: `No node has answered for ${silenceMs / 1000} s.`,
            why: "How the sync goes cannot be seen.",
            remedy: "Look at `npm run status`; `npm run up` starts what is missing.",
          },
        ],
        "The sync goes on by itself when a node is back.",
      );
    say(stateText(state?.running ?? undefined, job));
    await sleep(lookMs);
  }
}

/** What a job does right now. `running` is the one that is worked on. */
export function stateText(running: TenantSync["running"] | undefined, job: string): string {
  if (!running) return "waiting for a node";
  if (running.id !== job) return "waiting for the sync before it";
  const doing = running.kind === "verify" ? "reading every row back" : "asking the agent";
  return progressText(running.progress) ?? doing;
}

const unknown = (stack: string, tenant: string, known: string[]): Problem => ({
  what: `Stack ${stack} has no tenant "${tenant}".`,
  why: known.length > 0 ? `Its tenants are: ${known.join(", ")}.` : noFleet(stack).trim(),
  remedy: "Name one of its tenants, or add it to the stack's config and run `npm run up`.",
});

const silent = ({ stack }: Invocation): Problem => ({
  what: `No node of stack ${stack} answers.`,
  why: "Nodes do the syncs; without one nothing can be started or seen.",
  remedy: "Look at `npm run status`; `npm run up` starts what is missing.",
});
