import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit } from "../config-edit/apply-edit.ts";
import { containerState, startContainer, stopContainer } from "../on-host/tenant-container.ts";
import {
  type MoveSide,
  type ReadyTransfer,
  type Received,
  readied,
  transfer,
} from "../on-host/tenant-move.ts";
import { type StepContext, TakeBackError } from "../saga/saga.ts";
import { endOf } from "../upgrade/switch.ts";
import { forward, isForwarded } from "./forward.ts";
import type { Parts } from "./request.ts";
import { answersSite } from "./site.ts";
import { addressOf, type Subject } from "./subject.ts";

const lookMs = 250;
/** `up` waits for what it is told at least so often (components/host/tenant-arrival.sh). */
const beatMs = 15_000;
/** `up` itself waits for 300 s. */
const patienceMs = 280_000;

/** A pass of less than this is not worth another one beside what serves. */
const smallBytes = 32_000_000;
const mostPasses = 5;

/** Copies beside what serves until little is left; the first pass is nearly everything. */
export async function passes(
  from: MoveSide,
  to: MoveSide,
  { say, signal }: Pick<StepContext, "say" | "signal">,
): Promise<Received[]> {
  const done: Received[] = [];
  while (done.length < mostPasses) {
    signal.throwIfAborted();
    const name = done.length === 0 ? "copied beside what serves" : `catch-up ${done.length}`;
    say(name);
    const pass = await transfer(from, to, { signal, passed: told(name, say) });
    done.push(pass);
    if (pass.sent < smallBytes) break;
  }
  return done;
}

/** Says a stream's bytes, every 50 MB. */
function told(name: string, say: StepContext["say"]): (bytes: number) => void {
  let last = 0;
  return (bytes) => {
    if (bytes - last < 50_000_000) return;
    last = bytes;
    say(`${name}: ${Math.round(bytes / 1e6)} MB`);
  };
}

/** Has the tenant's entry name a host, and `up` make it true. */
export const edit = ({ invocation, tenant }: StepContext, host: string, signal?: AbortSignal) =>
  applyEdit(
    { ...invocation, json: true, ...(signal ? { signal } : {}) },
    {
      edits: [{ path: ["tenants", tenant, "host"], value: host }],
      message: `${tenant}: on host ${host}`,
    },
  );

/**
 * Has a tenant that serves on one host serve on the other. `up` makes everything there while it still serves here, and waits
 * with the container (components/host/tenant-arrival.sh): only then it is stopped, what changed comes over, both sides are
 * compared, and `up` goes on. Safe to repeat, from wherever it was left.
 */
export async function relocate(subject: Subject, from: MoveSide, to: MoveSide): Promise<Parts> {
  const { context } = subject;
  await to.act("expect");
  const applying = new AbortController();
  const applied = edit(context, to.spec.id, applying.signal).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  const ended = new AbortController();
  void applied.then(() => ended.abort());
  // One that is lost is made up for by the next.
  const beat = setInterval(() => void to.act("beat").catch(() => {}), beatMs);
  const course: Course = { mayHaveArrived: true };
  let parts: Omit<Parts, "forwards">;
  try {
    const gap = await bridge(subject, from, to, ended.signal, course);
    parts = await untilServed(subject, to, gap, ended.signal);
  } catch (error) {
    clearInterval(beat);
    if (context.signal.aborted) throw error;
    const said = await letGo(subject, from, to, course);
    await endOf(context.invocation.stack, applying);
    const failure = await applied;
    if (!(error instanceof CommandError)) throw error;
    // What the edit says of itself is not so any more: it is taken back.
    const more = [said && `It said last:\n${said}`, failure?.message.trim().split("\n")[0]].filter(Boolean);
    throw new TakeBackError([error.message.trim(), ...more].join("\n"), { cause: error });
  } finally {
    clearInterval(beat);
  }
  const forwards = await forward(subject, from, to);
  const failure = await applied;
  if (failure) throw failure;
  return { ...parts, forwards: forwards && (await isForwarded(subject, from)) };
}

/** What is known of a tenant on its way. */
interface Course {
  /** Whether the data may be in its place over there: then nothing starts on what was left here. */
  mayHaveArrived: boolean;
}

/**
 * Nothing waits any more, and what did not come over serves where it was, also where the target cannot be asked. Answers what
 * the container over there said last.
 */
async function letGo(
  { container }: Subject,
  from: MoveSide,
  to: MoveSide,
  { mayHaveArrived }: Course,
): Promise<string> {
  const arrived =
    mayHaveArrived &&
    (await to.state().then(
      (state) => state.arrived,
      () => true,
    ));
  // Users wait for it: what is left over there does not matter to them.
  if (!arrived && (await containerState(from.host, container)).exists)
    await startContainer(from.host, container);
  return (await to.act("abandon").catch(() => "")).trim();
}

/** What is known of the time in which nobody is served. */
type Gap = Pick<Parts, "stoppedAt" | "stopSeconds" | "deltaSeconds" | "last"> & { arrivedAt: number };

/** Seconds, to a tenth. */
const between = (from: number, to: number): number => Math.round((to - from) / 100) / 10;
const since = (ms: number): number => between(ms, Date.now());

/** Waits until `up` waits, stops the one side, and makes the other one its equal. */
async function bridge(
  { context, container }: Subject,
  from: MoveSide,
  to: MoveSide,
  ended: AbortSignal,
  course: Course,
): Promise<Gap> {
  const { say, signal } = context;
  let ready: ReadyTransfer | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      // Looked at before the state: what `up` did until its end is in it.
      const over = ended.aborted;
      const { waiting, arrived } = await to.state();
      course.mayHaveArrived = arrived;
      if (arrived) break;
      if (!ready?.stands) ready = await readied(from, to, signal);
      else if (waiting) return await exchange(ready);
      if (over) throw new CommandError(`\`up\` ended before host ${to.spec.id} was ready for it.`);
      say(`\`up\` makes everything on ${to.spec.id}`);
      await sleep(lookMs);
    }
  } finally {
    ready?.dismiss();
  }
  const { endedAt } = await containerState(from.host, container);
  return {
    ...{ stoppedAt: endedAt, stopSeconds: null, deltaSeconds: null, last: null },
    arrivedAt: Date.now(),
  };

  async function exchange(ready: ReadyTransfer): Promise<Gap> {
    const { running, exists, endedAt } = await containerState(from.host, container);
    say(`stopped on ${from.spec.id}`);
    const began = Date.now();
    if (running) await stopContainer(from.host, container);
    const stopped = Date.now();
    say("what changed comes over, and both sides are compared");
    // A site that led on from here leads here again; of a host that led nowhere it is as it was.
    const [last] = await Promise.all([ready.go(), to.act("unforward").catch(() => {})]);
    course.mayHaveArrived = true;
    await to.act("arrive");
    return {
      stoppedAt: running || !exists ? new Date(began).toISOString() : endedAt,
      stopSeconds: running ? between(began, stopped) : null,
      deltaSeconds: since(stopped),
      last,
      arrivedAt: Date.now(),
    };
  }
}

/** Waits until it answers over there; what does not is told with why. */
async function untilServed(
  { context, last, spec }: Subject,
  to: MoveSide,
  { arrivedAt, ...gap }: Gap,
  ended: AbortSignal,
): Promise<Omit<Parts, "forwards">> {
  const { say, signal } = context;
  const address = addressOf(last, to.spec);
  let startSeconds: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    const over = ended.aborted;
    // Its engine looks at it every ten seconds only. Who comes past a proxy is not let in.
    const answered = !spec.proxied && (await answersSite(to.spec, address, spec));
    const { exists, running, health, restarts, code } = await to.state();
    if (answered || health === "healthy") startSeconds ??= since(arrivedAt);
    if (running && (answered || (spec.proxied && health === "healthy"))) break;
    if (exists && (restarts > 0 || (!running && code !== 0)))
      throw new CommandError(`${spec.id} did not start on ${to.spec.id}, or ended by itself.`);
    if (Date.now() - arrivedAt > patienceMs)
      throw new CommandError(`${spec.id} did not answer on ${to.spec.id} within ${patienceMs / 1000} s.`);
    if (over) throw new CommandError(`\`up\` ended before ${spec.id} answered on ${to.spec.id}.`);
    say(`starts on ${to.spec.id}`);
    await sleep(lookMs);
  }
  const downtimeSeconds = gap.stoppedAt === null ? null : since(Date.parse(gap.stoppedAt));
  say(`answers on ${to.spec.id}`);
  return { ...gap, startSeconds, downtimeSeconds };
}
