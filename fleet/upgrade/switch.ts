import { setTimeout as sleep } from "node:timers/promises";
import { locked } from "../../toolchain/setup/lock.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit } from "../config-edit/apply-edit.ts";
import { stopContainer } from "../on-host/tenant-container.ts";
import type { AsideRecord, Rows, Standing } from "../on-host/tenant-version.ts";
import { wayTo } from "../open-webui/way.ts";
import { type StepContext, TakeBackError } from "../saga/saga.ts";
import { Absence } from "./absence.ts";
import { alarmingLosses, lossText, schemaFault } from "./losses.ts";
import { wrongVersion } from "./rehearse.ts";
import type { Side } from "./request.ts";
import { type Subject, seen, subjectOf } from "./subject.ts";

const lookMs = 1_000;

/**
 * Within how many milliseconds of its start the other version has to answer: five times what it took in the rehearsal. `up`
 * waits for 300 s.
 */
const patienceMs = ({ found: { rehearsal } }: Subject): number =>
  (rehearsal ? Math.min(280, Math.max(120, 5 * rehearsal.startSeconds)) : 280) * 1_000;

/**
 * Edits the tenant's entry and has `up` make it true; `up` sets the database aside just before it replaces the container
 * (components/host/tenant-switch.sh). What does not pass the gate is taken back at once.
 */
export async function switchOver(context: StepContext): Promise<{ downtimeSeconds: number | null }> {
  const subject = await subjectOf(context);
  const absence = new Absence(await wayTo(subject.place));
  try {
    const applying = new AbortController();
    const applied = edit(context, subject, subject.request.to, applying.signal).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    const ended = new AbortController();
    void applied.then(() => ended.abort());
    const why = await gate(subject, context, ended.signal).catch(async (error) => {
      await applied;
      throw error;
    });
    if (why === undefined) context.say("the gate is passed: it answers, lets its admin in, and has its rows");
    const downtimeSeconds = why === undefined ? await absence.end() : null;
    if (why !== undefined) await endOf(context.invocation.stack, applying);
    const failure = await applied;
    if (why !== undefined) {
      context.signal.throwIfAborted();
      throw new TakeBackError([why, ...whyUpFailed(failure)].join("\n"), { cause: failure });
    }
    if (failure) throw failure;
    return { downtimeSeconds };
  } finally {
    await absence.end();
  }
}

/** Without what an edit says that stays: this one is taken back. */
const whyUpFailed = (failure: Error | undefined): string[] => {
  const said = failure?.cause instanceof CommandError ? failure.cause : failure;
  return said instanceof CommandError ? [said.message.trim()] : [];
};

/** `up` refuses older versions, which here come with the database that they had. */
const edit = (
  { invocation, tenant }: StepContext,
  { request: { from, put } }: Subject,
  to: Side,
  signal?: AbortSignal,
) =>
  applyEdit(
    {
      ...invocation,
      ...(signal ? { signal } : {}),
      ...(put !== null || from.version === to.version ? { allow: [tenant] } : {}),
    },
    {
      edits: [{ path: ["tenants", tenant, "version"], value: to.written ?? undefined }],
      message: `${tenant}: ${from.version === to.version ? "back on" : "now"} ${to.version}`,
    },
  );

/** Behind the engine's part `up` only waits for what will not come. */
export async function endOf(stack: string, applying: AbortController): Promise<void> {
  await locked(
    `stack-${stack}`,
    () => {},
    async () => {},
  );
  applying.abort();
}

/**
 * Waits until the tenant is what it is to be, and looks at it; answers why it is not. Only a version that was started is
 * judged: until then `up` says what is wrong.
 * @param ended `up` has ended, however
 */
async function gate(
  subject: Subject,
  { say, signal }: StepContext,
  ended: AbortSignal,
): Promise<string | undefined> {
  const { host, aside, failed, found, request } = subject;
  const image = found.images?.to ?? "";
  let since: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    // Looked at before the state: what `up` did until its end is in it.
    const over = ended.aborted;
    const { health, running, restarts, code, ...state } = await host.state(aside, failed);
    if (state.image === image) {
      since ??= performance.now();
      if (health === "healthy") break;
      const late = performance.now() - since > patienceMs(subject);
      if (restarts > 0 || (!running && code !== 0) || late) {
        await host.stopped(image);
        const how = late ? `did not answer within ${patienceMs(subject) / 1_000} s` : "ended by itself";
        return `${request.to.version} ${how}; ${host.pathOf("upgrade.log")} on its host holds what it said`;
      }
      say(`${request.to.version} starts`);
    } else if (over) return `\`up\` ended before ${request.to.version} was started`;
    await sleep(lookMs);
  }
  say(`${request.to.version} answers, and is looked at`);
  return judged(subject);
}

/** How often a version that answers is looked at before it is judged: just started, it may be slow. */
const looks = 3;

async function judged(subject: Subject): Promise<string | undefined> {
  let why: string | undefined;
  for (let look = 0; look < looks; look++) {
    why = await fault(subject);
    if (why === undefined) return undefined;
    await sleep(lookMs);
  }
  return why;
}

async function fault(subject: Subject): Promise<string | undefined> {
  const { host, aside, container, request, found } = subject;
  try {
    const { version, rows } = await seen(subject);
    const wrong = wrongVersion(request.to.version, version) ?? schemaFault(await host.schema(container));
    if (wrong) return wrong;
    const before = await host.rowsOf(request.put ?? aside, found.images?.to ?? "");
    const losses = alarmingLosses(before, rows as Rows, found.rehearsal?.losses ?? []);
    return losses.length > 0 ? `rows are missing: ${lossText(losses)}` : undefined;
  } catch (error) {
    if (error instanceof CommandError) return error.message.trim();
    throw error;
  }
}

/** Brings image, database and entry back to what they were; safe to repeat, from wherever it was left. */
export async function takeBack(context: StepContext): Promise<void> {
  const subject = await subjectOf(context);
  const { host, place, request, found, aside, failed, container } = subject;
  const { images } = found;
  // Nothing was prepared, so nothing was switched.
  if (!images) return;
  const standing = await host.state(aside, failed);
  if (mustReturn(standing, images.from, request.put !== null)) {
    context.say(`the database of ${request.from.version} comes back`);
    if (standing.image === images.from && standing.running) await stopContainer(place.host, container);
    await host.stopped(images.to);
    // What was killed between two renames is finished first: only then is it known where everything lies.
    if (!standing.aside) await host.switch(images.to, container);
    await host.prepare(images.from, failed, aside, true);
    await host.switch(images.from, container);
  }
  if (standing.image === images.from) await host.started();
  context.say(`${request.from.version} is started again`);
  await edit(context, subject, request.from);
  const again = await host.state(aside, failed);
  if (again.image !== images.from || !again.running)
    throw new CommandError(
      `${subject.tenant} does not run ${request.from.version} again, with its database in place.`,
    );
  // Of a rollback it holds the only copy of what was there, until that is in its place again.
  const empty = request.put === null || again.failed ? [aside] : [];
  await host.keep(failed, asideRecord(subject, context.operation, request.to, request.from), empty);
}

/**
 * Whether the tenant's database is not the one it had, or may not be; pure. An upgrade only copies it: it is as it was for as
 * long as the version of before has its container. A rollback renames it first of all.
 */
export function mustReturn(
  { image, begun, aside, failed }: Pick<Standing, "image" | "begun" | "aside" | "failed">,
  from: string,
  renamed: boolean,
): boolean {
  if (failed) return false;
  return renamed ? begun : aside && image !== from;
}

/** What is noted beside a database that was set aside. */
export const asideRecord = (
  { request }: Pick<Subject, "request">,
  operation: string,
  of: Side,
  next: Side,
): AsideRecord => ({
  ...{ operation, version: of.version, next: next.version, written: of.written },
  kind: request.put === null ? "upgrade" : "rollback",
});
