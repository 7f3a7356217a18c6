import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type LastUp, lastUp } from "../../toolchain/commands/invocation.ts";
import { sizeText } from "../../toolchain/commands/sync-view.ts";
import { stackFolder } from "../../toolchain/setup/paths.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { applyEdit, fileOf } from "../config-edit/apply-edit.ts";
import { valueAt } from "../config-edit/edited.ts";
import { operationsOf } from "../saga/operation.ts";
import type { Saga, StepContext } from "../saga/saga.ts";
import { certify, type Remainder, type Statement, type Thing } from "./certificate.ts";
import { onHost } from "./host.ts";
import { certificatePage } from "./page.ts";
import { eraseReplica, isNothing, leftOfTenant } from "./replica.ts";
import { olderStates, removeOlderStates, resourcesOf, stateOfTenant } from "./state.ts";
import { countsText, leftovers, type Scope, scopeOf, survey } from "./survey.ts";

/** What is kept of a tenant that was retired: its entry, so that it can be taken back. */
export const retiredFile = (stack: string, tenant: string): string =>
  join(stackFolder(stack), "retired", `${tenant}.json`);

/** Where the certificates of a stack's erasures lie. */
export const certificateFile = (stack: string, tenant: string, operation: string): string =>
  join(stackFolder(stack), "erasures", `${tenant}-${operation}.json`);

/** What `fleet erase` asks for. */
const Request = z.object({
  /** ISO 8601; until then it can be taken back. */
  notBefore: z.string().nullable(),
});

/** What was there before anything was erased. */
const Before = z.object({
  domains: z.array(z.string()),
  identity: z.string().nullable(),
  hosts: z.record(z.string(), z.string()),
  database: z.string(),
  state: z.number(),
  older: z.number().nullable(),
});
type Before = z.infer<typeof Before>;

/** When a step was seen to be done, ISO 8601. */
const Seen = z.object({ at: z.string() });

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
    { name: "look", run: async (context) => ({ before: await look(await lastOf(context), context.tenant) }) },
    { name: "leave", run: async (context) => leave(context, await scopeIn(context)) },
    { name: "hosts", run: async (context) => eraseOnHosts(context, await scopeIn(context)) },
    { name: "replica", run: async (context) => eraseInDatabase(context, await scopeIn(context)) },
    { name: "state", run: async (context) => eraseOldStates(context, await scopeIn(context)) },
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

async function look(last: LastUp, tenant: string): Promise<Before> {
  const spec = last.fleet.tenants.find(({ id }) => id === tenant);
  const known = spec ? [spec.domain, ...spec.formerDomains.map(({ domain }) => domain)] : [];
  const scope = await scopeOf(last, { tenant, domains: known });
  const { url } = await leftOfTenant(scope.administrator, tenant);
  const domains = [...new Set([...known, ...(url === null ? [] : [new URL(url).hostname])])];
  const { hosts, database, state, older } = await survey({ ...scope, domains });
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
async function leave({ invocation, tenant, say }: StepContext, { stack, backend }: Scope) {
  const entry = valueAt(await readFile(await fileOf(invocation), "utf8"), ["tenants", tenant]);
  const state = stateOfTenant(await resourcesOf(stack, backend), tenant);
  if (entry !== undefined || state.length > 0) {
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
  await rm(retiredFile(stack, tenant), { force: true });
  if (backend.kind === "file") {
    await removeOlderStates(await olderStates(stack, tenant));
    const left = await olderStates(stack, tenant);
    if (left.length > 0) throw new CommandError(`older states still name it: ${left.join(", ")}`);
  }
  return { erasedState: { at: now() } };
}

/** Looks everywhere once more; what is certified was seen here, not only where it was done. */
async function writeCertificate(context: StepContext, scope: Scope) {
  const { tenant } = context;
  const last = await lastOf(context);
  const seen = await survey(scope);
  const left = leftovers(seen);
  if (left.length > 0) throw new CommandError(`it is not erased: ${left.join("; ")}`);
  const operation = await operationsOf(last.outputs).get(context.operation);
  const before = beforeOf(context);
  const logs = Object.fromEntries(Object.entries(seen.hosts).map(([id, host]) => [id, host.logs]));
  const statement: Statement = {
    ...{ format: 1, kind: "erasure", stack: scope.stack, tenant, identity: before.identity },
    ...{ operation: operation.id, askedBy: operation.by, askedAt: operation.begun_at },
    waitedUntil: Request.parse(context.request).notBefore,
    completedAt: now(),
    things: thingsOf(before, context.found, scope.backend.kind === "file"),
    remains: remaindersOf(logs, last.fleet.monitoring.enabled, scope.backend.kind === "file", tenant, {
      backups: scope.keptElsewhere,
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

async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.staged`, text, { mode: 0o600 });
  await rename(`${file}.staged`, file);
}

/** What was erased, in the order in which it went. Pure. */
export function thingsOf(before: Before, found: Readonly<Record<string, unknown>>, local: boolean): Thing[] {
  const at = (step: string) => Seen.parse(found[step]).at;
  const [left, hosts] = [at("leave"), at("erasedHosts")];
  return [
    {
      what: "entry, container, site, names in DNS, keys and passwords",
      where: "the stack's config and state",
      found: `${before.state} resources`,
      erased: left,
      verified: "the state was read again: it holds no resource of the tenant",
    },
    ...Object.entries(before.hosts).map(([id, what]) => ({
      what: "containers, network, data directory, site and its certificates, what agent, writer and backups kept of it",
      where: `host ${id}`,
      found: what,
      erased: hosts,
      verified: "the host was searched again: no container, network, image, file or directory of the tenant",
    })),
    {
      what: "replica with its tombstones, conflict log, differences, jobs and readers' group",
      where: "the database of the replicas",
      found: before.database,
      erased: at("erasedReplica"),
      verified:
        "the catalogue was read again: no schema, and no row about its contents in the fleet's own tables",
    },
    {
      what: "older states of the stack, with its keys as they were",
      where: local ? "the folder of the stack's state" : "not on this machine",
      found: before.older === null ? "not looked at" : `${before.older} files`,
      erased: at("erasedState"),
      verified: local ? "the folder was searched again" : "not verified: see below",
    },
  ];
}

/** `acme at db.example.com:5432` */
const placeText = (url: string): string => `${new URL(url).pathname.slice(1)} at ${new URL(url).host}`;

/** What no erasure reaches from here, and how long it stays. Pure. */
export function remaindersOf(
  logs: Record<string, Record<string, number>>,
  monitored: boolean,
  local: boolean,
  tenant: string,
  elsewhere: { backups?: string | undefined; database?: string | undefined } = {},
): Remainder[] {
  const lines = Object.entries(logs).flatMap(([host, programs]) =>
    Object.entries(programs).map(([program, count]) => ({
      what: `${count} lines with visitors' addresses and paths`,
      where: `${program}'s log on host ${host}, which all its tenants share`,
      until: "they are rotated out: three files of 10 MB are kept",
    })),
  );
  return [
    ...lines,
    {
      what: "that it was there: its moves, its long operations, operators' orders; nothing of its contents",
      where: "the fleet's own tables",
      until: "kept on purpose; orders for a year",
    },
    {
      what: "how many persons were active, as numbers that nobody can be told from",
      where: "the fleet's own tables",
      until: "30 days behind their last use",
    },
    ...(elsewhere.database === undefined
      ? []
      : [
          {
            what: "its live database, a Postgres that is none of the fleet's: users, chats and all, readable to whoever may read there",
            where: placeText(elsewhere.database),
            until: "somebody drops that database",
          },
        ]),
    ...(elsewhere.backups === undefined
      ? []
      : [
          {
            what: "its backups, encrypted with a passphrase that was erased from hosts and state",
            where: elsewhere.backups,
            until: `somebody removes ${tenant} there`,
          },
        ]),
    ...(monitored ? [{ what: "measurements under its name", where: "Prometheus", until: "15 days" }] : []),
    ...(local
      ? []
      : [
          {
            what: "older versions of the stack's state, its secrets encrypted",
            where: "the service that keeps the state",
            until: "its own retention ends",
          },
        ]),
    {
      what: "its former entry, secrets encrypted",
      where: "the history of the stack's config, where that is under version control",
      until: "that history is rewritten",
    },
    {
      what: "copies that others made: recovery kits, images of disks, archives of Postgres",
      where: "wherever they were put",
      until: "their own retention ends",
    },
  ];
}
