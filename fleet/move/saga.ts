import { viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { onHost } from "../erasure/host.ts";
import { signInAt } from "../on-host/scratch-application.ts";
import { carryConfig, type MoveSide } from "../on-host/tenant-move.ts";
import { type Saga, type SagaStep, type StepContext, TakeBackError } from "../saga/saga.ts";
import { alarmingLosses, lossText } from "../upgrade/losses.ts";
import { passes, relocate } from "./relocate.ts";
import { openSite } from "./site.ts";
import { type Subject, subjectOf } from "./subject.ts";
import { takeBack } from "./take-back.ts";

/** Nearly everything, while people go on working. */
const copy: SagaStep = {
  name: "copy",
  run: async (context) => {
    const { from, to, spec } = await subjectOf(context);
    try {
      await to.act("fetch", { IMAGE: spec.image });
      return { passes: await passes(from, to, context) };
    } catch (error) {
      throw takenBack(context, error);
    }
  },
  // Taken back last of all, when it serves where it served before.
  undo: async (context) => {
    const { from, to, spec, container } = await subjectOf(context);
    if (!(await from.look(spec.image)).data || (await to.state()).running)
      throw new CommandError(
        `${context.tenant} is not back on host ${from.spec.id}: nothing of ${container} is removed on ${to.spec.id}.`,
      );
    await eraseOn(to, context, spec);
  },
};

/** Keys, password and mark, the site over there; and how it looks before it is stopped. */
const prepare: SagaStep = {
  name: "prepare",
  run: async (context) => {
    const subject = await subjectOf(context);
    const { from, to, container } = subject;
    try {
      await carryConfig(from, to);
      await openSite(subject, to);
      return { rows: (await signInAt(from.host, context.invocation.stack, container)).rows };
    } catch (error) {
      throw takenBack(context, error);
    }
  },
};

const change: SagaStep = {
  name: "switch",
  run: async (context) => {
    const subject = await subjectOf(context);
    return { parts: await relocate(subject, subject.from, subject.to) };
  },
  undo: takeBack,
};

/** As somebody who was signed in before: with a token of the key that came along. */
const check: SagaStep = {
  name: "check",
  run: async (context) => {
    const { to, container, found, last, spec } = await subjectOf(context);
    try {
      const { rows } = await signInAt(to.host, context.invocation.stack, container);
      const losses = alarmingLosses(found.rows ?? {}, rows, []);
      if (losses.length > 0) throw new CommandError(`rows are missing: ${lossText(losses)}`);
    } catch (error) {
      throw takenBack(context, error);
    }
    const view = await viewFleet({ ...last.fleet, tenants: [spec] }, last.outputs);
    return { servedSince: new Date().toISOString(), replica: replicaText(view.tenants[0]?.replica) };
  },
};

/** How its replica stands behind the `up` that moved it, which waits for it. */
export const replicaText = (replica: { equal: boolean; held?: unknown } | undefined): string => {
  if (replica?.held) return "Its replica is held: npx fleet sync shows why.";
  return replica?.equal ? "Its replica equals it." : "Its replica was not found equal yet.";
};

/** What it left stays beside, under a name that nothing starts on. */
const keep: SagaStep = {
  name: "keep",
  run: async (context) => {
    await (await subjectOf(context)).from.act("depart");
    return undefined;
  },
};

const confirm: SagaStep = {
  name: "confirm",
  waits: ({ client }) =>
    `${client} serves on its new host and waits for your word: npx fleet move ${client} --confirm, or --rollback`,
  run: async (context) => {
    const { from, to, spec } = await subjectOf(context);
    const { data } = await to.look(spec.image);
    if (!data || !(await to.state()).arrived)
      throw new CommandError(
        `host ${to.spec.id} does not show the data of ${context.tenant} now: nothing is removed on ${from.spec.id}.`,
      );
    await eraseOn(from, context, spec);
    return undefined;
  },
};

/** Everything of a tenant on the host where it is not. */
async function eraseOn(
  side: MoveSide,
  { invocation: { stack }, tenant }: StepContext,
  { domain, formerDomains }: Subject["spec"],
): Promise<void> {
  const domains = [domain, ...formerDomains.map((former) => former.domain)];
  await side.act("drop");
  await onHost(side.host, { stack, tenant, domains }, "erase");
  const { things } = await onHost(side.host, { stack, tenant, domains }, "look");
  if (things.length > 0)
    throw new CommandError(
      `host ${side.spec.id} still has ${things.map(({ kind, what }) => `${kind} ${what}`).join(", ")}`,
    );
}

/** Interrupted, a step is to be taken on. */
const takenBack = ({ signal }: StepContext, error: unknown): unknown =>
  !signal.aborted && error instanceof CommandError && !(error instanceof TakeBackError)
    ? new TakeBackError(error.message.trim(), { cause: error })
    : error;

/** A tenant goes to another host; until that is confirmed it comes back, with what was written meanwhile. */
export const moveSaga: Saga = {
  kind: "move",
  steps: [copy, prepare, change, check, keep, confirm],
  abortable: 5,
};
