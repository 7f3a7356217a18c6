import * as z from "zod";
import { dockerName } from "../../components/container.ts";
import { viewFleet } from "../../toolchain/commands/fleet-status.ts";
import { locked } from "../../toolchain/setup/lock.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { duration } from "../../toolchain/setup/steps.mjs";
import { BackupTrial } from "../on-host/backup-trial.ts";
import { RestorePlace } from "../on-host/restore-data.ts";
import { ScratchApplication, signInAt } from "../on-host/scratch-application.ts";
import { ScratchDatabase } from "../on-host/scratch-database.ts";
import { containerState, startContainer, stopContainer } from "../on-host/tenant-container.ts";
import { TenantPostgres } from "../on-host/tenant-postgres.ts";
import { type Saga, type SagaStep, type StepContext, TakeBackError } from "../saga/saga.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { until } from "../until.ts";
import { fetchSnapshot } from "./backups.ts";
import { acceptRestored, heldNow } from "./hold.ts";

/** What was asked for. */
export const RestoreRequest = z.object({
  /** Whose backup is put in place; the tenant itself, or another one on the same host. */
  source: z.string(),
  /** Id of the backup; null: what an earlier restore set aside. */
  snapshot: z.string().nullable(),
  /** Number of that restore. */
  before: z.string().nullable(),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;

/** What the steps find out, as far as others need it. */
export const RestoreFindings = z.object({
  /** Whether its container ran before. */
  ran: z.boolean().default(false),
  /** Id of what its replica was held for before; null: it was not held. */
  held: z.string().nullable().default(null),
  /** Rows and files of the backup. */
  rows: z.number().optional(),
  files: z.number().optional(),
  takenAt: z.string().optional(),
  stoppedAt: z.string().optional(),
  /** From the order to stop until it answered through its site, in seconds. */
  downtime: z.number().nullable().optional(),
  /** What became of its replica, as a sentence. */
  replica: z.string().optional(),
});
export type RestoreFindings = z.infer<typeof RestoreFindings>;

/** Of a stack that has no backups any more. */
const defaultPostgres = 15;

/** How long an application may take to answer again, and how often is looked. */
const patienceMs = 10 * 60_000;
const lookMs = 250;

interface Work {
  context: StepContext;
  request: RestoreRequest;
  found: RestoreFindings;
  place: TenantPlace;
  home: RestorePlace;
  container: string;
  /** Where the backup lies while it is looked at. */
  folder: string;
  trial: BackupTrial;
  scratch: ScratchApplication;
  /** Where it works on a Postgres: that, and one to try its dump in. */
  postgres?: { live: TenantPostgres; scratch: ScratchDatabase; major: number };
}

async function workOf(context: StepContext): Promise<Work> {
  const { tenant, operation, invocation } = context;
  const { stack } = invocation;
  const request = RestoreRequest.parse(context.request);
  const place = await placeOf(invocation, tenant);
  const home = new RestorePlace(place.host, tenant);
  const folder = home.folderOf(operation);
  return {
    ...{ context, request, place, home, folder, found: RestoreFindings.parse(context.found) },
    container: dockerName({ stack, role: "tenant", of: tenant }),
    trial: new BackupTrial(place.host, stack, request.source, folder),
    scratch: new ScratchApplication(place.host, stack, `restore-${tenant}`),
    ...(place.spec.database && {
      postgres: {
        live: new TenantPostgres(place.host, stack, tenant),
        scratch: new ScratchDatabase(place.host, stack, `restore-${tenant}`, folder),
        major: place.last.fleet.backups?.postgres ?? defaultPostgres,
      },
    }),
  };
}

/** A step; of one that fails with users waiting, or before they have to, everything is taken back at once. */
const step = (
  name: string,
  run: (work: Work) => ReturnType<SagaStep["run"]>,
  undo?: (work: Work) => Promise<unknown>,
): SagaStep => ({
  name,
  run: async (context) => {
    try {
      return await run(await workOf(context));
    } catch (error) {
      // Interrupted, it is to be taken on.
      if (context.signal.aborted) throw error;
      throw new TakeBackError((error as Error).message.trim(), { cause: error });
    }
  },
  ...(undo && { undo: async (context) => void (await undo(await workOf(context))) }),
});

/** Nobody brings the stack up while a tenant's directory is between two names. */
const alone = <T>({ context: { invocation, say } }: Work, work: () => Promise<T>): Promise<T> =>
  locked(`stack-${invocation.stack}`, say, work);

/**
 * A backup, or what an earlier restore set aside, comes into a tenant's place: fetched and proven while the tenant serves,
 * tried by a real application on a copy, put in place by renames while it is stopped. What was there stays beside.
 */
export const restoreSaga: Saga = {
  kind: "restore",
  // Behind that it is taken back by a restore of its own (`--undo`).
  abortable: 6,
  steps: [
    step("look", async ({ place, context, container }) => {
      const { running } = await containerState(place.host, container);
      return { ran: running, held: (await heldNow(place, context.tenant))?.id ?? null };
    }),
    step(
      "fetch",
      async ({ place, request, home, context, folder, trial, postgres }) => {
        const { operation } = context;
        if (request.before !== null) {
          await postgres?.live.requireKept(request.before);
          await home.act("before", operation, request.before);
          return undefined;
        }
        // What an earlier attempt left is no beginning.
        await home.act("clean", operation);
        await trial.requireRoom();
        await fetchSnapshot(place, request.source, request.snapshot ?? "", folder);
        return undefined;
      },
      async ({ home, request, context: { operation } }) => {
        if (request.before !== null) await home.act("unbefore", operation, request.before);
        await home.act("clean", operation);
      },
    ),
    step("verify", async ({ request, trial, postgres, folder }) => {
      // What was set aside was never anywhere else, and has no manifest.
      if (request.before !== null) return undefined;
      const { rows, files, takenAt } = await trial.verify();
      await postgres?.live.requirePlaceable(folder);
      return { rows, files, takenAt };
    }),
    step(
      "rehearse",
      async ({ request, trial, scratch, place: { spec }, home, folder, postgres }) => {
        if (request.before !== null) return undefined;
        try {
          const data = await trial.copy();
          if (postgres) {
            await postgres.scratch.restore(postgres.major);
            await postgres.scratch.verify();
          }
          const { memory, cpus, pids, image } = spec;
          const seconds = await scratch.start({
            ...{ image, data, limits: { memory, cpus, pids } },
            patience: 600,
            log: `${home.home}/restore.log`,
            key: `${folder}/config/webui_secret_key`,
            environment: `${home.home}/config/environment`,
            ...(postgres && { database: postgres.scratch.container }),
          });
          await trial.compare(await scratch.signIn());
          return { rehearsed: seconds };
        } finally {
          await scratch.remove();
          await postgres?.scratch.remove();
        }
      },
      async ({ scratch, postgres }) => {
        await scratch.remove();
        await postgres?.scratch.remove();
      },
    ),
    step(
      "stop",
      async (work) => {
        const { home, place, container, found, request, context } = work;
        if (request.before === null) await home.act("stage", context.operation);
        const before = new Date();
        if (!found.ran) return { stoppedAt: before.toISOString() };
        return alone(work, async () => {
          const state = await containerState(place.host, container);
          if (state.running) await stopContainer(place.host, container);
          return {
            stoppedAt: state.running ? before.toISOString() : (state.endedAt ?? before.toISOString()),
          };
        });
      },
      async (work) => {
        if (!work.found.ran) return;
        await startContainer(work.place.host, work.container);
        // Whoever is told that it was taken back finds it serving. One that does not answer is no reason to take back anew.
        if (!(await answers(work))) work.context.say("it has not answered yet: look at `npm run status`");
      },
    ),
    step(
      "swap",
      async (work) => {
        await alone(work, () => swapped(work));
        return undefined;
      },
      (work) => alone(work, () => swappedBack(work)),
    ),
    step(
      "start",
      async (work) => ({ downtime: work.found.ran ? await started(work) : null }),
      async ({ place, container, found }) => {
        if (found.ran) await stopContainer(place.host, container);
      },
    ),
    step("replica", async ({ place, context, found, home }) => {
      // One that works on a Postgres has a replica that follows nothing.
      const replica =
        found.ran && !place.spec.database
          ? await acceptRestored(place, context.tenant, found.held, context.say)
          : undefined;
      // It holds nothing by then but the list of what was fetched.
      await home.act("clean", context.operation);
      return replica === undefined ? undefined : { replica };
    }),
  ],
};

/** The database first: it is what may fail, and takes longer than renames. */
async function swapped({
  home,
  folder,
  postgres,
  request: { before },
  context: { operation },
}: Work): Promise<void> {
  if (before !== null) await postgres?.live.exchange(before, operation);
  else await postgres?.live.place(folder, operation);
  await home.act("swap", operation);
}

async function swappedBack({
  home,
  postgres,
  request: { before },
  context: { operation },
}: Work): Promise<void> {
  await home.act("back", operation);
  if (before !== null) await postgres?.live.exchange(operation, before);
  else await postgres?.live.unplace(operation);
}

/** Starts what was stopped, and looks whether people can sign in; the seconds since it was stopped. */
async function started(work: Work): Promise<number> {
  const { context, place, container, found } = work;
  const { spec, host } = place;
  context.say("starting");
  await startContainer(host, container);
  if (!(await answers(work)))
    throw new CommandError(
      `${spec.id} has not answered within ${duration(patienceMs)} on what was put in place`,
    );
  const away = Math.round((Date.now() - Date.parse(found.stoppedAt ?? "")) / 100) / 10;
  await signInAt(host, context.invocation.stack, container);
  return away;
}

/** Waits until what was started answers through its site; false where that lasts too long. */
async function answers({ context, place: { spec, last } }: Work): Promise<boolean> {
  const look = async () => {
    context.say("waiting for it to answer");
    const view = await viewFleet({ ...last.fleet, tenants: [spec] }, last.outputs);
    return view.tenants[0]?.health === "healthy" || undefined;
  };
  return (await until(look, { patienceMs, lookMs, signal: context.signal })) ?? false;
}
