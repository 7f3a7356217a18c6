import { readFile } from "node:fs/promises";
import * as z from "zod";
import { dockerName } from "../../components/container.ts";
import { ensureImages } from "../../toolchain/setup/images.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit, fileOf } from "../config-edit/apply-edit.ts";
import type { Edit } from "../config-edit/edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { AdoptionHost } from "../on-host/adoption.ts";
import { ScratchApplication, type SignedIn, signInAt } from "../on-host/scratch-application.ts";
import { containerState, lastWords, stopContainer } from "../on-host/tenant-container.ts";
import { type Saga, type SagaStep, type StepContext, TakeBackError } from "../saga/saga.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { removalEdits, servingEdits, stoppedEdits } from "./entry.ts";
import { megabytes } from "./risk.ts";
import { Copied } from "./survey.ts";

/** What an adoption is asked for; kept in Postgres, so it holds no secret. */
export const AdoptionRequest = z.object({
  /** What people call the source. */
  source: z.string(),
  /** As it was found, and is to be again after a rollback; null: a bare database, which nothing runs on. */
  container: z
    .object({ id: z.string(), name: z.string(), restart: z.string(), running: z.boolean() })
    .nullable(),
  reading: z.object({
    mounts: z.string(),
    asked: z.object({ database: z.string(), data: z.string().nullable(), uploads: z.string().nullable() }),
  }),
  /** Whether an operator had written the tenant's entry before. */
  ownEntry: z.boolean(),
  /** Where a secret key may lie: in the container, or on the host. */
  keyFile: z.string(),
});
export type AdoptionRequest = z.infer<typeof AdoptionRequest>;

const Found = z.object({
  first: Copied.optional(),
  last: Copied.optional(),
  /** ISO 8601; null: it did not run. */
  stopped: z.string().nullable().optional(),
});

/** Seconds a source gets to end, and to call itself healthy again. */
const patience = 120;

/** Everything a step works with. */
interface Site extends TenantPlace {
  host: TenantPlace["host"];
  adoption: AdoptionHost;
  request: AdoptionRequest;
  container: string;
  found: z.infer<typeof Found>;
}

async function siteOf({ invocation, tenant, request, found }: StepContext): Promise<Site> {
  const place = await placeOf(invocation, tenant);
  return {
    ...place,
    adoption: new AdoptionHost(place.host, invocation.stack, tenant),
    request: AdoptionRequest.parse(request),
    container: dockerName({ stack: invocation.stack, role: "tenant", of: tenant }),
    found: Found.parse(found),
  };
}

/** While people go on working: everything, to be made exact once they stop. */
const copy: SagaStep = {
  name: "copy",
  run: async (context) => {
    const { adoption, request } = await siteOf(context);
    if (!(await adoption.isVacant()))
      throw new TakeBackError(`${context.tenant} has a database of its own already, which is not replaced.`);
    context.say("beside what serves");
    const first = await adoption.copy(request.reading, false);
    context.say(copyText(first));
    const key = await adoption.key(request.container?.id ?? "", request.keyFile);
    if (key === "none") context.say("no secret key came with it: sessions end");
    return { first, key };
  },
  // Taken back last, when the source serves again: the config as it was, which takes an `up`.
  undo: async (context) => {
    const { invocation, tenant } = context;
    if (valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants", tenant]) === undefined) return;
    const { adoption, request } = await siteOf(context);
    await adoption.abandon();
    await edit(
      context,
      request.ownEntry ? stoppedEdits(tenant) : removalEdits(tenant),
      "adoption taken back",
    );
  },
};

export const copyText = ({ database, files, seconds }: Copied): string =>
  `${megabytes(database.bytes)} of database, ${files.read.files} of ${files.files} files (${megabytes(files.read.bytes)}) read in ${seconds} s`;

/** A real start of the version that is wanted, on a copy: what fails here has cost nobody anything. */
const rehearse: SagaStep = {
  name: "rehearse",
  run: async (context) => {
    const { adoption, host, spec, last, found } = await siteOf(context);
    const { tenant, operation } = context;
    if (host.spec.kind === "local") await ensureImages([spec.image], context.say);
    const data = await adoption.rehearsal();
    const key = `${host.spec.root}/tenants/${tenant}/adoption/key`;
    const scratch = scratchOf(host, context);
    try {
      context.say(`${spec.image} on a copy`);
      const seconds = await scratch.start({
        ...{ image: spec.image, data, limits: spec },
        key: context.found.key === "none" ? undefined : key,
      });
      const seen = await scratch.signIn();
      refuseOther(seen, found.first, `rehearsal ${operation} of ${last.fleet.stack}`);
      return { rehearsal: { seconds, version: seen.version, users: seen.users } };
    } catch (error) {
      throw takenBack(error, `${spec.image} does not serve this data`);
    } finally {
      await scratch.remove();
    }
  },
  // One that was killed left it at work.
  undo: async (context) => {
    const { host } = await siteOf(context);
    await scratchOf(host, context).remove();
  },
};

const scratchOf = (host: TenantPlace["host"], { invocation, tenant }: StepContext): ScratchApplication =>
  new ScratchApplication(host, invocation.stack, `adopt-${tenant}`);

/** Tables whose rows no version's migrations move elsewhere. */
const steady = [
  "user",
  "auth",
  "chat",
  "file",
  "folder",
  "prompt",
  "knowledge",
  "memory",
  "feedback",
  "group",
];

/** What an application shows has to be what was copied. */
export function refuseOther(seen: Pick<SignedIn, "rows">, copied: Copied | undefined, where: string): void {
  const rows = copied?.database.rows ?? {};
  const differing = steady.filter(
    (table) =>
      rows[table] !== undefined && seen.rows[table] !== undefined && rows[table] !== seen.rows[table],
  );
  if (differing.length === 0) return;
  const said = differing.map((table) => `${table} ${seen.rows[table]} instead of ${rows[table]}`).join(", ");
  throw new CommandError(`the ${where} has other rows than were copied: ${said}`);
}

const takenBack = (error: unknown, what: string): unknown =>
  error instanceof CommandError && !(error instanceof TakeBackError)
    ? new TakeBackError(`${what}: ${error.message.trim()}`, { cause: error })
    : error;

const stop: SagaStep = {
  name: "stop",
  run: async (context) => {
    const { adoption, request, found } = await siteOf(context);
    if (!request.container) return { stopped: null };
    const { id, name, running } = request.container;
    context.say(`${name} is stopped, and stays as it is`);
    const stopped = running ? (found.stopped ?? new Date().toISOString()) : null;
    await adoption.stop(id, patience);
    return { stopped };
  },
  undo: async (context) => {
    const { adoption, request } = await siteOf(context);
    if (!request.container) return;
    context.say(`${request.container.name} is as it was`);
    await adoption.start(request.container.id, request.container, patience);
  },
};

/** What changed since the first copy, and the database as it stands at its end: proven by hashes of both sides. */
const finish: SagaStep = {
  name: "finish",
  run: async (context) => {
    const { adoption, request } = await siteOf(context);
    const last = await adoption.copy(request.reading, true);
    context.say(copyText(last));
    return { last };
  },
};

const place: SagaStep = {
  name: "place",
  run: async (context) => {
    await (await siteOf(context)).adoption.place(context.operation);
    return undefined;
  },
  undo: async (context) => {
    const kept = await (await siteOf(context)).adoption.displace(context.operation);
    if (kept !== "") context.say(`what the tenant had, with what was written there, is kept in ${kept}`);
  },
};

const serve: SagaStep = {
  name: "serve",
  run: async (context) => {
    const { host, container } = await siteOf(context);
    try {
      await edit(context, servingEdits(context.tenant), "adopted data serves");
    } catch (error) {
      // What ended by itself does so again, and nobody is served meanwhile; an `up` that failed of something else may be done again.
      const { exists, running, restarts, health } = await containerState(host, container);
      if (!exists || (running && restarts === 0 && health !== "unhealthy")) throw error;
      const said = await lastWords(host, container);
      throw new TakeBackError(`${context.tenant} does not start on what was adopted: ${said}`, {
        cause: error,
      });
    }
    const { found } = await siteOf(context);
    const downtime = found.stopped ? (Date.now() - Date.parse(found.stopped)) / 1000 : null;
    return { downtime };
  },
  undo: async (context) => {
    const { host, container } = await siteOf(context);
    // One that ends and is started again by Docker is stopped as well.
    if ((await containerState(host, container)).exists) await stopContainer(host, container);
  },
};

const edit = async ({ invocation, tenant, say }: StepContext, edits: Edit[], what: string): Promise<void> => {
  say("the stack is brought up");
  await applyEdit({ ...invocation, json: true }, { edits, message: `${tenant}: ${what}` });
};

/** As somebody who was signed in before: with a token of the kept key, past the application's own sign-in. */
const check: SagaStep = {
  name: "check",
  run: async (context) => {
    const { host, container, found, spec } = await siteOf(context);
    try {
      const seen = await signInAt(host, context.invocation.stack, container);
      refuseOther(seen, found.last, "tenant");
      return { serves: { version: seen.version, users: seen.users, rows: seen.rows.chat ?? null } };
    } catch (error) {
      throw takenBack(error, `${spec.id} does not serve what was adopted`);
    }
  },
};

const confirm: SagaStep = {
  name: "confirm",
  waits: ({ client }) =>
    `${client} serves and waits for your word: npx fleet adopt --confirm ${client}, or --rollback ${client}, which starts the source again as it was`,
  run: async (context) => {
    await (await siteOf(context)).adoption.clean(context.operation);
    return undefined;
  },
};

/** A running Open WebUI becomes a tenant; until it is confirmed, the source comes back as it was. */
export const adoption: Saga = {
  kind: "adopt",
  steps: [copy, rehearse, stop, finish, place, serve, check, confirm],
  abortable: 7,
};

/** How long its users could not be served; undefined: that is not known yet. */
export const downtimeOf = (found: Readonly<Record<string, unknown>>): number | null | undefined =>
  z.object({ downtime: z.number().nullable().optional() }).parse(found).downtime;
