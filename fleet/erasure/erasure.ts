import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type Invocation, type LastUp, lastUp } from "../../toolchain/commands/invocation.ts";
import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { stackFolder } from "../../toolchain/setup/paths.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit } from "../config-edit/apply-edit.ts";
import { operationsOf } from "../saga/operation.ts";
import type { Saga, StepContext } from "../saga/saga.ts";
import { certify, type Statement } from "./certificate.ts";
import { Before, remaindersOf, type StoredNow, thingsOf } from "./contents.ts";
import { onHost } from "./host.ts";
import { certificatePage } from "./page.ts";
import { eraseReplica, isNothing, leftOfTenant } from "./replica.ts";
import { entryIn, forgetEntry } from "./retirement.ts";
import { olderStates, removeOlderStates, resourcesOf, stateOfTenant } from "./state.ts";
import { inStorage, requiredInStorage, storedText } from "./storage.ts";
import { countsText, leftovers, type Scope, type Survey, scopeOf, survey } from "./survey.ts";

/** Where the certificates of a stack's erasures lie. */
export const certificateFile = (stack: string, tenant: string, operation: string): string =>
  join(stackFolder(stack), "erasures", `${tenant}-${operation}.json`);

/** What `fleet erase` asks for. */
const Request = z.object({
  /** ISO 8601; until then it can be taken back. */
  notBefore: z.string().nullable(),
});

/** What an erasure may be told by whoever works on it, each time anew. */
export interface ErasureInvocation extends Invocation {
  /** What a storage refuses to delete, or does not answer about, stays there, and the certificate says so. */
  leaveBackups?: boolean;
}

const leavesBackups = ({ invocation }: StepContext): boolean =>
  (invocation as ErasureInvocation).leaveBackups ?? false;

const now = (): string => new Date().toISOString();

/**
 * Erases a tenant: out of the config and the state, off every host, out of the database; each step looks again for what it
 * took away, and the last one looks everywhere before it certifies. Any step may be done again.
 */
export const erasure: Saga = {
  kind: "erase",
  abortable: 1,
  steps: [
    { name: "wait", run: async ({ request }) => void refuseEarly(Request.parse(request)) },
    {
      name: "look",
      run: async (context) => ({
        before: await look(await lastOf(context), context.tenant, leavesBackups(context)),
      }),
    },
    { name: "leave", run: async (context) => leave(context, await scopeIn(context)) },
    { name: "hosts", run: async (context) => eraseOnHosts(context, await scopeIn(context)) },
    { name: "replica", run: async (context) => eraseInDatabase(context, await scopeIn(context)) },
    { name: "state", run: async (context) => eraseOldStates(context, await scopeIn(context)) },
    // Behind everything else: what is encrypted with a passphrase that is gone may wait longest.
    { name: "backups", run: async (context) => eraseInStorage(context, await scopeIn(context)) },
    { name: "certificate", run: async (context) => writeCertificate(context, await scopeIn(context)) },
  ],
};

/** The stack as its last `up` left it, which one of the steps makes anew. */
async function lastOf({ invocation: { stack } }: StepContext): Promise<LastUp> {
  const last = await lastUp(stack);
  if (last) return last;
  throw new CommandError(`stack ${stack} has no fleet any more`);
}

const scopeIn = async (context: StepContext): Promise<Scope> =>
  scopeOf(await lastOf(context), { tenant: context.tenant, domains: domainsOf(context) });

const beforeOf = ({ found }: Pick<StepContext, "found">): Before => Before.parse(found.before);
const domainsOf = ({ found }: Pick<StepContext, "found">): string[] =>
  Before.safeParse(found.before).data?.domains ?? [];

function refuseEarly({ notBefore }: z.infer<typeof Request>): void {
  if (notBefore !== null && Date.parse(notBefore) > Date.now())
    throw new CommandError(`it waits until ${notBefore}, as it was asked to; nothing was touched yet`);
}

async function look(last: LastUp, tenant: string, despite: boolean): Promise<Before> {
  const spec = last.fleet.tenants.find(({ id }) => id === tenant);
  const known = spec ? [spec.domain, ...spec.formerDomains.map(({ domain }) => domain)] : [];
  const scope = await scopeOf(last, { tenant, domains: known });
  const { url } = await leftOfTenant(scope.administrator, tenant);
  const domains = [...new Set([...known, ...(url === null ? [] : [new URL(url).hostname])])];
  const { hosts, database, stored, state, older } = await survey({ ...scope, domains }, despite);
  const all = Object.values(hosts);
  return {
    domains,
    identity: all.find(({ identity }) => identity !== null)?.identity ?? null,
    hosts: Object.fromEntries(
      Object.entries(hosts).map(([id, { things }]) => [
        id,
        things.length === 0
          ? "nothing"
          : `${things.length} things, ${sizeText(things.reduce((sum, { bytes }) => sum + bytes, 0))}: ${kindsText(things)}`,
      ]),
    ),
    database: countsText(database.found),
    stored: stored && storedText(stored),
    state: state.length,
    older: older?.length ?? null,
  };
}

/** `1 container, 1 network, 1 directory, 3 files` */
function kindsText(things: readonly { kind: string }[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of things) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .map(
      ([kind, count]) => `${count} ${count === 1 ? kind : kind === "directory" ? "directories" : `${kind}s`}`,
    )
    .join(", ");
}

/** Out of the config, and by an `up` out of everything that follows from it: container, site, name, keys. */
async function leave({ invocation, tenant, say, found }: StepContext, { stack, backend }: Scope) {
  const entry = await entryIn(invocation, tenant);
  const state = stateOfTenant(await resourcesOf(stack, backend), tenant);
  // The `up` of whoever died here may have removed all of it, and not have come to its end.
  if (entry !== undefined || state.length > 0 || beforeOf({ found }).state > 0) {
    say("its entry goes, by an `up`");
    await applyEdit(
      { ...invocation, yes: true },
      { edits: [{ path: ["tenants", tenant], value: undefined }], message: `${tenant}: erased` },
    );
  }
  const left = stateOfTenant(await resourcesOf(stack, backend), tenant);
  if (left.length > 0)
    throw new CommandError(`the stack's state still holds ${left.length} resources of it, ${left[0]} first`);
  return { leave: { at: now() } };
}

async function eraseOnHosts({ say }: StepContext, scope: Scope) {
  for (const host of scope.hosts) {
    say(`host ${host.spec.id}`);
    await onHost(host, scope, "erase");
    const { things } = await onHost(host, scope, "look");
    if (things.length > 0)
      throw new CommandError(
        `host ${host.spec.id} still has ${things.map(({ kind, what }) => `${kind} ${what}`).join(", ")}`,
      );
  }
  return { erasedHosts: { at: now() } };
}

async function eraseInDatabase({ tenant }: StepContext, { administrator }: Scope) {
  await eraseReplica(administrator, tenant, "fleet erase", "its erasure was asked for and confirmed");
  const { found, state } = await leftOfTenant(administrator, tenant);
  if (!isNothing(found) || state !== "erased")
    throw new CommandError(`the database still has ${countsText(found)} of it, which is ${state}`);
  return { erasedReplica: { at: now() } };
}

async function eraseOldStates({ tenant }: StepContext, { stack, backend }: Scope) {
  await forgetEntry(stack, tenant);
  if (backend.kind === "file") {
    await removeOlderStates(await olderStates(stack, tenant));
    const left = await olderStates(stack, tenant);
    if (left.length > 0) throw new CommandError(`older states still name it: ${left.join(", ")}`);
  }
  return { erasedState: { at: now() } };
}

/** A bucket or a server: the hosts are none of its any more, and what backs others up there does this as well. */
async function eraseInStorage(context: StepContext, { storage }: Scope) {
  if (!storage) return { erasedBackups: { at: now() } };
  context.say(storage.where);
  if (leavesBackups(context)) await inStorage(storage, context.tenant, "remove");
  else {
    const left = await requiredInStorage(storage, context.tenant, "remove");
    if (left.objects > 0) throw new CommandError(`${storage.where} still has ${storedText(left)}`);
  }
  return { erasedBackups: { at: now() } };
}

/** Looks everywhere once more; what is certified was seen here, not only where it was done. */
async function writeCertificate(context: StepContext, scope: Scope) {
  const { tenant } = context;
  const last = await lastOf(context);
  const despite = leavesBackups(context);
  const seen = await survey(scope, despite);
  const left = leftovers(despite ? { ...seen, stored: null } : seen);
  if (left.length > 0) throw new CommandError(`it is not erased: ${left.join("; ")}`);
  const operation = await operationsOf(last.outputs).get(context.operation);
  const before = beforeOf(context);
  const logs = Object.fromEntries(Object.entries(seen.hosts).map(([id, host]) => [id, host.logs]));
  const statement: Statement = {
    ...{ format: 1, kind: "erasure", stack: scope.stack, tenant, identity: before.identity },
    ...{ operation: operation.id, askedBy: operation.by, askedAt: operation.begun_at },
    waitedUntil: Request.parse(context.request).notBefore,
    completedAt: now(),
    things: thingsOf(before, context.found, scope.backend.kind === "file", storedNow(scope, seen)),
    remains: remaindersOf(logs, last.fleet.monitoring.enabled, scope.backend.kind === "file", {
      stored: storedNow(scope, seen),
      database: seen.database.live_database ?? undefined,
    }),
  };
  const certificate = certify(statement, last.outputs.operatorKey);
  const file = certificateFile(scope.stack, tenant, operation.id);
  await mkdir(join(file, ".."), { recursive: true, mode: 0o700 });
  await write(file, `${JSON.stringify(certificate, undefined, 2)}\n`);
  await write(file.replace(/json$/, "html"), certificatePage(certificate));
  return { certificate: file };
}

const storedNow = ({ storage }: Scope, { stored }: Survey): StoredNow | undefined =>
  storage && stored
    ? { where: storage.where, ...("why" in stored ? { why: stored.why } : { found: stored }) }
    : undefined;

async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.staged`, text, { mode: 0o600 });
  await rename(`${file}.staged`, file);
}
