import { setTimeout as sleep } from "node:timers/promises";
import { databaseUrl } from "../../components/tenant/environment.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { asProblem } from "../commands/promote.ts";
import { applyEdit, fileOf } from "../config-edit/apply-edit.ts";
import { encrypted } from "../environment/encrypt.ts";
import { signInAt } from "../on-host/scratch-application.ts";
import { containerState, lastWords, removeContainer, startContainer } from "../on-host/tenant-container.ts";
import { type StepContext, TakeBackError } from "../saga/saga.ts";
import { until } from "../until.ts";
import { alarmingLosses, lossText } from "../upgrade/losses.ts";
import { endOf } from "../upgrade/switch.ts";
import { PasswordError, passwordOf } from "./password.ts";
import { type Subject, subjectOf } from "./subject.ts";

const lookMs = 500;
/** How long an application may take to answer again. */
const patienceMs = 5 * 60_000;

/** Where a tenant's entry says what its application works on. */
export const databasePath = (tenant: string): string[] => ["tenants", tenant, "database"];

/**
 * Has the tenant's entry say that it works on Postgres, and `up` make its container anew. Whether that starts is watched
 * meanwhile: an application that cannot reach its database ends by itself, again and again.
 */
export async function switchOver(context: StepContext): Promise<{ downtime: number | null }> {
  const { invocation, tenant } = context;
  const subject = await subjectOf(context);
  const { url } = subject.request;
  const path = databasePath(tenant);
  const password = await passwordOf(invocation, tenant);
  await requireReady(subject, password);
  const file = await fileOf(invocation);
  // A ciphertext belongs to no place. Encrypted where it may stand alone, so that what a kill leaves of it breaks no config.
  const secret = await encrypted(invocation, file, ["tenants", tenant, "environment", "PROMOTED"], password);
  const applying = new AbortController();
  const ended = new AbortController();
  const applied = applyEdit(
    { ...invocation, json: true, allow: [tenant], signal: applying.signal },
    {
      edits: [{ path, value: { kind: "postgres", url, password: secret.value } }],
      salt: secret.salt,
      message: `${tenant}: works on Postgres`,
    },
  )
    .then(() => undefined)
    .catch((error: Error) => error)
    .finally(() => ended.abort());
  const seen = await starts(subject, context, ended.signal).catch(async (error) => {
    await applied;
    throw error;
  });
  if ("why" in seen) {
    await removeContainer(subject.place.host, subject.container).catch(() => {});
    await endOf(invocation.stack, applying);
  }
  const failure = await applied;
  context.signal.throwIfAborted();
  if ("why" in seen) throw new TakeBackError(withoutSecret(seen.why, password), { cause: failure });
  if (failure) throw new TakeBackError(failure.message, { cause: failure });
  return { downtime: away(subject, seen.healthyAt) };
}

/**
 * Before what serves is replaced by what may not start. Once it was replaced its users may have written into the Postgres, and
 * nothing is taken back without asking.
 */
async function requireReady(subject: Subject, password: string): Promise<void> {
  const { place, container, found, request } = subject;
  const { id } = await containerState(place.host, container);
  const first = id === found.container;
  if (first) await requireStopped(subject);
  const { withTarget } = await import("../../sync-runtime/promote/target-database.ts");
  try {
    await withTarget(databaseUrl({ url: request.url, password }), async () => {}).catch(asProblem);
  } catch (cause) {
    if (!first || !(cause instanceof CommandError) || cause instanceof PasswordError) throw cause;
    throw new TakeBackError(cause.message, { cause });
  }
}

/** Since its last sync nobody wrote into its SQLite file. */
export async function requireStopped({ place, container, found }: Subject): Promise<void> {
  const { running, id, endedAt } = await containerState(place.host, container);
  if (!running && id === found.container && endedAt === (found.endedAt ?? endedAt)) return;
  throw new TakeBackError(
    "somebody started it behind its last sync, and what its users wrote then would not be on Postgres",
  );
}

/** Seconds since it was stopped; null where it was not seen to answer. */
const away = ({ found: { stoppedAt } }: Subject, healthyAt: number | undefined): number | null =>
  stoppedAt === undefined || healthyAt === undefined
    ? null
    : Math.round((healthyAt - Date.parse(stoppedAt)) / 100) / 10;

const withoutSecret = (text: string, secret: string): string => text.replaceAll(secret, "…");

/** Watches the new container until `up` has ended: why it does not start, or when it first answered. */
async function starts(
  { place: { host }, container, found }: Subject,
  { say, signal }: StepContext,
  ended: AbortSignal,
): Promise<{ why: string } | { healthyAt: number | undefined }> {
  let healthyAt: number | undefined;
  // One that is there already may have ended since it was made, and serve.
  const before = await containerState(host, container);
  for (;;) {
    signal.throwIfAborted();
    const over = ended.aborted;
    const state = await containerState(host, container);
    if (state.exists && state.id !== found.container) {
      if (state.restarts > (state.id === before.id ? before.restarts : 0)) {
        const said = await lastWords(host, container);
        return { why: `Open WebUI does not start on it, and ended by itself${said && `: ${said}`}` };
      }
      if (state.health === "healthy") healthyAt ??= Date.now();
      say(healthyAt === undefined ? "it starts on Postgres" : "it answers");
    }
    if (over) return { healthyAt };
    await sleep(lookMs);
  }
}

/** Looks at the application as one who signs in: its admin with a token of the secret key, its newest chat, its rows. */
export async function passGate(context: StepContext): Promise<undefined> {
  const { container, place, found } = await subjectOf(context);
  const { rows } = await signInAt(place.host, context.invocation.stack, container);
  const losses = alarmingLosses(found.rows ?? {}, rows, []);
  if (losses.length > 0) throw new TakeBackError(`rows are missing on Postgres: ${lossText(losses)}`);
  context.say("its admin is let in, its newest chat opens, and its rows are there");
  return undefined;
}

/**
 * The entry without a database, and a container on the SQLite file, which nobody wrote to meanwhile. Always by `up`: one that
 * was killed may have left the container as it was, and what it is started with as it was to be.
 */
export async function takeBack(context: StepContext): Promise<void> {
  const { invocation, tenant } = context;
  const { place, container } = await subjectOf(context);
  const path = databasePath(tenant);
  context.say("its SQLite file is its database again");
  await applyEdit(
    { ...invocation, json: true, allow: [tenant] },
    { edits: [{ path, value: undefined }], message: `${tenant}: back on SQLite` },
  );
  const { exists } = await containerState(place.host, container);
  if (!exists) throw new CommandError(`${tenant} has no container again, with its SQLite file in place.`);
  // An `up` that has nothing to change leaves stopped what was stopped.
  await startAgain(context, { place, container });
}

/** Has what was stopped run, if it was, and waits until it answers: of what is said to be taken back users are served. */
export async function startAgain(
  { tenant, say }: Pick<StepContext, "tenant" | "say">,
  { place: { host }, container }: Pick<Subject, "place" | "container">,
): Promise<void> {
  const { exists, running } = await containerState(host, container);
  if (!exists) return;
  if (!running) await startContainer(host, container);
  say("it starts on its SQLite file");
  const look = async () => (await containerState(host, container)).health === "healthy" || undefined;
  if (await until(look, { patienceMs, lookMs })) return;
  throw new CommandError(
    `${tenant} was started on its SQLite file, and has not answered within five minutes; it says why: npx fleet logs ${tenant}`,
  );
}
