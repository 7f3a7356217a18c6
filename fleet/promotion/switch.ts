import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { encrypted } from "../environment/encrypt.ts";
import { signInAt } from "../on-host/scratch-application.ts";
import { containerState, lastWords, removeContainer, startContainer } from "../on-host/tenant-container.ts";
import { type StepContext, TakeBackError } from "../saga/saga.ts";
import { alarmingLosses, lossText } from "../upgrade/losses.ts";
import { endOf } from "../upgrade/switch.ts";
import { passwordOf } from "./password.ts";
import { type Subject, subjectOf } from "./subject.ts";

const lookMs = 500;

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
  for (;;) {
    signal.throwIfAborted();
    const over = ended.aborted;
    const state = await containerState(host, container);
    if (state.exists && state.id !== found.container) {
      if (state.restarts > 0) {
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

/** The entry without a database, and a container on the SQLite file, which nobody wrote to meanwhile. */
export async function takeBack(context: StepContext): Promise<void> {
  const { invocation, tenant } = context;
  const { place, container, found } = await subjectOf(context);
  const path = databasePath(tenant);
  const written = valueAt(await readFile(await fileOf(invocation), "utf8"), path);
  const before = await containerState(place.host, container);
  // It never came so far.
  if (written === undefined && before.id === found.container) return;
  context.say("its SQLite file is its database again");
  await applyEdit(
    { ...invocation, json: true, allow: [tenant] },
    { edits: [{ path, value: undefined }], message: `${tenant}: back on SQLite` },
  );
  const again = await containerState(place.host, container);
  if (!again.exists)
    throw new CommandError(`${tenant} has no container again, with its SQLite file in place.`);
  // An `up` that has nothing to change leaves stopped what was stopped.
  if (!again.running) await startContainer(place.host, container);
}
