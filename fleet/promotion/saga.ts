import type { Promotion } from "../../sync-runtime/promote/report.ts";
import { order } from "../../toolchain/commands/node-api.ts";
import { ensureImages } from "../../toolchain/setup/images.ts";
import { locked } from "../../toolchain/setup/lock.mjs";
import { duration } from "../../toolchain/setup/steps.mjs";
import { asProblem, progressText, total, writeReport } from "../commands/promote.ts";
import { promotionText } from "../commands/promotion-text.ts";
import { seldom } from "../commands/seldom.ts";
import { endSchema, makeSchema } from "../commands/strict-schema.ts";
import { confirmed } from "../confirm.ts";
import { containerState, stopContainer } from "../on-host/tenant-container.ts";
import { ended, heldNow } from "../restore/hold.ts";
import { type Saga, type SagaStep, type StepContext, TakeBackError } from "../saga/saga.ts";
import { PasswordError } from "./password.ts";
import type { PromotionFound, PromotionRequest } from "./request.ts";
import { fillingOf, type Subject, subjectOf } from "./subject.ts";
import { passGate, requireStopped, startAgain, switchOver, takeBack } from "./switch.ts";

/** The stop, the last sync, `up` and the application's start: 49 and 71 s were seen at loads of about ten. */
const startSeconds = 60;

/** A step; of one that fails everything is taken back at once, since users wait, or soon have to. */
const step = (
  name: string,
  run: (context: StepContext, subject: Subject) => ReturnType<SagaStep["run"]>,
  undo?: (context: StepContext, subject: Subject) => Promise<void>,
): SagaStep => ({
  name,
  run: async (context) => {
    try {
      return await run(context, await subjectOf(context));
    } catch (error) {
      // Interrupted, it is to be taken on.
      if (context.signal.aborted || error instanceof TakeBackError) throw error;
      // One that was right before: whoever took it on has mistyped it.
      if (error instanceof PasswordError && name !== "look") throw error;
      throw new TakeBackError((error as Error).message.trim(), { cause: error });
    }
  },
  ...(undo && { undo: async (context) => undo(context, await subjectOf(context)) }),
});

/**
 * A tenant's live database becomes a Postgres: tried while it serves, filled from the replica of what it held at its stop,
 * proven row by row. Its SQLite file is never written to, so that it is what there is to go back to until that is confirmed.
 */
export const promotionSaga: Saga = {
  kind: "promote",
  steps: [
    step("look", look),
    step("rehearse", rehearse, async ({ tenant, invocation: { stack } }) => endSchema({ stack, tenant })),
    step("ask", ask),
    step("stop", stop, startAgain),
    step("sync", lastSync),
    step("fill", fillTarget),
    { name: "switch", run: switchOver, undo: takeBack },
    step("gate", passGate),
    {
      name: "confirm",
      waits: ({ client }) =>
        `${client} works on Postgres and waits for your word: npx fleet promote ${client} --confirm, or --rollback, which brings its SQLite file of then back`,
      run: async () => undefined,
    },
  ],
  abortable: 8,
  // Users may have been served on Postgres since.
  takenBackBy: ({ client, steps, done }) =>
    done >= steps.indexOf("switch")
      ? `It says how many rows, and asks: npx fleet promote ${client} --rollback`
      : undefined,
};

async function look(context: StepContext, subject: Subject): Promise<{ container: string }> {
  const { place, container } = subject;
  if (await heldNow(place, context.tenant))
    throw new TakeBackError("its replica is held, and is not what it holds now; decide about that first");
  const program = await import("../../sync-runtime/promote/promote.ts");
  const { version, target } = await program.inspect(await fillingOf(context, subject)).catch(asProblem);
  const { backups } = place.last.fleet;
  if (backups && target.server > backups.postgres)
    throw new TakeBackError(
      `the target is a Postgres ${target.server}, and backups dump up to version ${backups.postgres}. Set backups.postgres: ${target.server}, run \`npm run up\`, and promote it again`,
    );
  context.say(`the replica has schema ${version}, the target is ${target.kind}`);
  const { id, running } = await containerState(place.host, container);
  if (!running) throw new TakeBackError("its container does not run");
  return { container: id };
}

/** What the target is to be made by Open WebUI itself, and filled for a trial: all of it but its last word. */
async function rehearse(context: StepContext, subject: Subject): Promise<Pick<PromotionFound, "rehearsal">> {
  const { place, tenant, request } = subject;
  const filling = await fillingOf(context, subject);
  const program = await import("../../sync-runtime/promote/promote.ts");
  const { version, target } = await program.inspect(filling).catch(asProblem);
  if (target.version !== version) {
    context.say("Open WebUI makes its schema there");
    await ensureImages([place.spec.image], context.say);
    const { stack } = context.invocation;
    await makeSchema({ stack, tenant, image: place.spec.image }, filling.to);
  }
  const began = performance.now();
  const promotion = await filled(context, { ...filling, rehearsal: true });
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  if (!promotion.promoted) {
    const file = await writeReport(context.invocation.stack, tenant, promotion);
    throw new TakeBackError(promotionText(promotion, file));
  }
  const leftOut = total(promotion.tables, "leftOut");
  if (leftOut > 0 && !request.leaveOut) throw new Error(`${leftOut} rows would be left out`);
  const rehearsal = {
    rows: total(promotion.tables, "fit"),
    tables: promotion.tables.length,
    leftOut,
    seconds,
  };
  context.say(`${rehearsal.rows} rows fit, in ${seconds} s`);
  return { rehearsal };
}

async function filled(
  { say }: StepContext,
  filling: Awaited<ReturnType<typeof fillingOf>> & { rehearsal?: boolean },
): Promise<Promotion> {
  const program = await import("../../sync-runtime/promote/promote.ts");
  return program
    .fill(
      filling,
      seldom((at) => say(progressText(at))),
    )
    .catch(asProblem);
}

async function ask(
  { tenant, invocation }: StepContext,
  { request, found, place }: Subject,
): Promise<undefined> {
  const { backups } = place.last.fleet;
  if (!request.yes) await confirmed(promotionPlan(tenant, request, found, backups !== undefined), invocation);
  return undefined;
}

/** What an operator decides on; pure. `backedUp`: the stack backs its tenants up. */
export function promotionPlan(
  tenant: string,
  { url }: Pick<PromotionRequest, "url">,
  { rehearsal }: Pick<PromotionFound, "rehearsal">,
  backedUp: boolean,
): string {
  const { rows, tables, leftOut, seconds } = rehearsal ?? { rows: 0, tables: 0, leftOut: 0, seconds: 0 };
  const { host, pathname } = new URL(url);
  return [
    `${tenant} goes from its SQLite file to the Postgres ${host}${pathname}: ${rows} rows in ${tables} tables fit${leftOut > 0 ? `, AND ${leftOut} ARE LEFT OUT` : ""}.`,
    `It is stopped for its last sync and the filling, and its users wait for about ${Math.ceil(seconds) + startSeconds} s. If it does not start on it, its SQLite file comes back by itself.`,
    `From then on its replica follows nothing${
      backedUp
        ? ". Its backups hold the Postgres from then on, and begin anew: until one was restored for a trial it is not protected."
        : " and the fleet backs nothing of it up: that is for whoever runs the Postgres."
    }`,
    "Until you confirm it, it can be taken back to its SQLite file as it is now; what is written into Postgres until then would not be in that.",
  ].join("\n");
}

/** Its database does not change any more. Nobody brings the stack up, and starts it with that, at the same moment. */
async function stop(
  { invocation, say }: StepContext,
  { place, container, found }: Subject,
): Promise<Pick<PromotionFound, "stoppedAt">> {
  return locked(`stack-${invocation.stack}`, say, async () => {
    const began = new Date().toISOString();
    const { running, endedAt } = await containerState(place.host, container);
    if (!running) return { stoppedAt: found.stoppedAt ?? endedAt ?? began };
    await stopContainer(place.host, container);
    return { stoppedAt: began };
  });
}

/** Of what it holds since it was stopped: a job that is queued from then on begins from then on. */
async function lastSync(
  { tenant, say }: StepContext,
  { place, container, found }: Subject,
): Promise<Pick<PromotionFound, "endedAt">> {
  const { running, id, endedAt } = await containerState(place.host, container);
  if (running || id !== found.container)
    throw new TakeBackError("somebody started it again while it was to be stopped");
  const job = await ended(place, tenant, await order(place.last.outputs, tenant, { what: "trigger" }));
  if (job?.status !== "success" && job?.status !== "unchanged")
    throw new TakeBackError(
      job
        ? `its last sync ended as ${job.status}: ${job.error ?? "no reason was given"}`
        : "no node synced it in time",
    );
  say(`equal; ${job.rows} rows came`);
  return endedAt === null ? {} : { endedAt };
}

async function fillTarget(
  context: StepContext,
  subject: Subject,
): Promise<Pick<PromotionFound, "rows" | "report" | "fillSeconds">> {
  await requireStopped(subject);
  const began = performance.now();
  // It may have been filled before by this very step.
  const promotion = await filled(context, { ...(await fillingOf(context, subject)), force: true });
  const report = await writeReport(context.invocation.stack, context.tenant, promotion);
  if (!promotion.promoted) throw new TakeBackError(promotionText(promotion, report));
  const rows = Object.fromEntries(promotion.tables.map(({ name, fit }) => [name, fit]));
  const spent = performance.now() - began;
  context.say(`${total(promotion.tables, "fit")} rows, read back equal, in ${duration(spent)}`);
  return { rows, report, fillSeconds: Math.round(spent / 100) / 10 };
}
