import { dockerName } from "../../components/container.ts";
import { versionOf } from "../../components/host/backup.ts";
import { quote } from "../../components/host/shell.ts";
import { type Invocation, stepsOf } from "../../toolchain/commands/invocation.ts";
import { agoText } from "../../toolchain/commands/status-table.ts";
import { CommandError, SetupError } from "../../toolchain/setup/problem.mjs";
import type { Progress } from "../../toolchain/setup/progress.ts";
import { confirmed } from "../confirm.ts";
import { BackupTrial } from "../on-host/backup-trial.ts";
import { type Kept, RestorePlace } from "../on-host/restore-data.ts";
import { containerState } from "../on-host/tenant-container.ts";
import { TenantPostgres } from "../on-host/tenant-postgres.ts";
import { fetchSnapshot, snapshotsOf } from "../restore/backups.ts";
import { choose, isEarlier, type Snapshot } from "../restore/choice.ts";
import { RestoreFindings, type RestoreRequest, restoreSaga } from "../restore/saga.ts";
import type { Operation } from "../saga/operation.ts";
import { begin, work } from "../saga/saga.ts";
import { workshopOf } from "../saga/workshop.ts";
import { placeOf, type TenantPlace } from "../tenant-place.ts";
import { interruption } from "./power.ts";

/** How `fleet restore acme --from backup` is asked. */
export interface RestoreBackupInvocation extends Invocation {
  at?: string;
  snapshot?: string;
  /** Another tenant, into whose place it comes. */
  to?: string;
  /** A folder of the tenant's host, into which it is fetched and where it is proven; nothing else is done then. */
  toFolder?: string;
  /** Removes what restores have set aside. */
  confirm?: boolean;
  /** Puts back what the latest restore set aside. */
  undo?: boolean;
  yes?: boolean;
}

/** What `--json` prints of a restore into place. */
export interface RestoredBackup extends RestoreFindings {
  operation: string;
  tenant: string;
  source: string;
  snapshot: string | null;
  /** What is kept of before; path on its host. */
  kept: string;
}

/** `fleet restore acme --from backup`: a backup comes into place, or into a folder; or what came is confirmed or taken back. */
export async function restoreBackup(invocation: RestoreBackupInvocation, tenant: string): Promise<void> {
  const { confirm, undo, to, toFolder, at, snapshot } = invocation;
  const ways = Object.entries({ confirm, undo, to, toFolder }).filter(([, is]) => is !== undefined && is);
  if (ways.length > 1 || ((confirm || undo) && (at !== undefined || snapshot !== undefined)))
    throw refused(
      "These options do not go together.",
      "--confirm and --undo are about a restore that was made; --to and --to-folder are about another place.",
      "Give one of them.",
    );
  if (confirm) return forget(invocation, tenant);
  if (undo) return takeBack(invocation, tenant);
  const source = await placeOf(invocation, tenant);
  const chosen = choose(tenant, await snapshotsOf(source, tenant), invocation);
  if (toFolder !== undefined) return intoFolder(invocation, source, chosen, toFolder);
  const target = to === undefined ? source : await placeOf(invocation, to);
  refuseOtherDatabase(target, chosen);
  refuseOtherHost(source, target);
  refuseNewer(target, chosen);
  await confirmed(
    `${whatHappens(tenant, target.spec.id, chosen, Date.now())}\n${await cost(invocation, target)}`,
    invocation,
  );
  await restored(invocation, target, { source: tenant, snapshot: chosen.id, before: null });
}

async function restored(
  invocation: RestoreBackupInvocation,
  place: TenantPlace,
  request: RestoreRequest,
): Promise<void> {
  const shop = workshopOf(invocation, place.last);
  const begun = await begin(restoreSaga, place.spec.id, { ...request }, shop);
  if ((await work(restoreSaga, begun, shop)) === "aborted")
    throw new CommandError(
      `\n  ✗ restore ${begun.id} of ${begun.client} was aborted; everything is as it was before.`,
    );
  const done = restoredOf(await shop.operations.get(begun.id), place, request);
  process.stdout.write(
    `${invocation.json ? JSON.stringify(done, undefined, 2) : `\n${restoredText(done)}`}\n`,
  );
}

/** What came of an operation that is done. */
export function restoredOf(
  { id, client, found }: Pick<Operation, "id" | "client" | "found">,
  { host }: Pick<TenantPlace, "host">,
  { source, snapshot }: RestoreRequest,
): RestoredBackup {
  const kept = `${new RestorePlace(host, client).home}/data.before-${id}`;
  return { operation: id, tenant: client, source, snapshot, kept, ...RestoreFindings.parse(found) };
}

/** The same for people. */
export function restoredText(done: RestoredBackup): string {
  const { tenant, source, snapshot, takenAt, rows, files, downtime, replica, kept } = done;
  const whose = source === tenant ? tenant : `${tenant} with the data of ${source}`;
  return [
    snapshot === null
      ? `${tenant} is what it was before that restore.`
      : `${whose} is as it was at ${takenAt}: ${rows} rows and ${files} files, each proven.`,
    downtime == null
      ? "It did not run, and was not started: `npm run up` or `npx fleet start` does that."
      : `Its users waited for ${downtime} s.`,
    ...(replica === undefined ? [] : [replica]),
    `What was there until now is kept on its host: ${kept}`,
    `  take it back:  npx fleet restore ${tenant} --from backup --undo`,
    `  remove it:     npx fleet restore ${tenant} --from backup --confirm`,
  ].join("\n");
}

/** What the operator is asked about. */
export function whatHappens(source: string, target: string, { id, takenAt }: Snapshot, now: number): string {
  const age = agoText(now - Date.parse(takenAt));
  return [
    `The backup ${id.slice(0, 8)} of ${source}, taken at ${takenAt} (${age} ago), takes the place of what ${target} holds now.`,
    `What was written there since is not in it. It is set aside whole, and can be taken back.`,
  ].join("\n");
}

/** How long that interrupts users. */
async function cost({ stack }: Invocation, { host, spec }: TenantPlace): Promise<string> {
  const { running } = await containerState(host, dockerName({ stack, role: "tenant", of: spec.id }));
  return running
    ? `It serves until the backup was fetched, proven and tried. ${interruption}`
    : "It does not run, so nobody is interrupted, and it is not started.";
}

function refuseOtherHost(source: TenantPlace, target: TenantPlace): void {
  if (source.host.spec.id === target.host.spec.id) return;
  throw refused(
    `${source.spec.id} is on host ${source.host.spec.id}, and ${target.spec.id} on ${target.host.spec.id}.`,
    "A backup is fetched on the host that makes it: only that one has its passphrase.",
    `Fetch it there (--to-folder), or give ${target.spec.id} an entry on host ${source.host.spec.id}.`,
  );
}

/** A dump is put in place where the tenant works on a Postgres, an SQLite file where it has one. */
export function refuseOtherDatabase(
  { spec: { id, database } }: Pick<TenantPlace, "spec">,
  { id: snapshot, database: held, takenAt }: Snapshot,
): void {
  const works = database ? "postgres" : "sqlite";
  if (held === works) return;
  const names = { sqlite: "an SQLite file", postgres: "the dump of a Postgres" };
  throw refused(
    `The backup ${snapshot.slice(0, 8)} of ${takenAt} holds ${names[held]}, and ${id} works on ${works === "sqlite" ? "its SQLite file" : "a Postgres"}.`,
    "Neither becomes the other by a restore.",
    `Choose one of the same kind (npx fleet backup list ${id}), or fetch it: --to-folder /var/tmp/${id}`,
  );
}

/** An older application does not know what a newer one made of the database. */
function refuseNewer({ spec }: TenantPlace, { openWebui, id }: Snapshot): void {
  const version = versionOf(spec.image);
  if (openWebui === null || !isEarlier(version, openWebui)) return;
  throw refused(
    `The backup ${id.slice(0, 8)} is of Open WebUI ${openWebui}, and ${spec.id} runs ${version}.`,
    "An older version does not start on what a newer one has migrated.",
    `Set version: ${openWebui} in tenants.${spec.id} and run \`npm run up\`, or choose an earlier backup.`,
  );
}

async function intoFolder(
  invocation: RestoreBackupInvocation,
  place: TenantPlace,
  { id }: Snapshot,
  folder: string,
): Promise<void> {
  if (!/^\/[^\0\n,]+$/.test(folder))
    throw refused(
      `"${folder}" is no folder to fetch a backup into.`,
      "It is a folder of the tenant's host.",
      "Write an absolute path without commas, such as /var/tmp/acme; it has to be empty or not there yet.",
    );
  const { spec, host } = place;
  const steps = stepsOf(invocation);
  await steps.run(
    "fetch",
    (say: Progress) => {
      say("fetching");
      return fetchSnapshot(place, spec.id, id, folder);
    },
    () => folder,
  );
  const verified = await steps.run(
    "verify",
    () => new BackupTrial(host, invocation.stack, spec.id, folder).verify(),
    ({ rows, files }) => `${rows} rows and ${files} files are what was backed up`,
  );
  process.stdout.write(
    `${invocation.json ? JSON.stringify({ folder, host: host.spec.id, ...verified }, undefined, 2) : `\n${folder} on host ${host.spec.id} holds the backup, and the secret key of ${spec.id} in config. Remove it when it has served:\n  rm -rf ${quote(folder)}`}\n`,
  );
}

async function takeBack(invocation: RestoreBackupInvocation, tenant: string): Promise<void> {
  const place = await placeOf(invocation, tenant);
  const kept = await new RestorePlace(place.host, tenant).kept();
  const latest = kept.sort((a, b) => Number(a.operation) - Number(b.operation)).at(-1);
  if (!latest) throw nothingKept(tenant);
  await confirmed(
    `What ${tenant} held before restore ${latest.operation} comes back into its place; what was written since is set aside in turn.\n${await cost(invocation, place)}`,
    invocation,
  );
  await restored(invocation, place, { source: tenant, snapshot: null, before: latest.operation });
}

async function forget(invocation: RestoreBackupInvocation, tenant: string): Promise<void> {
  const { host, last, spec } = await placeOf(invocation, tenant);
  const place = new RestorePlace(host, tenant);
  const kept = await place.kept();
  if (kept.length === 0) throw nothingKept(tenant);
  // A restore that is under way still needs it.
  const [open] = await workshopOf(invocation, last).operations.list({ client: tenant, open: true });
  if (open)
    throw refused(
      `Operation ${open.id} (${open.kind}) of ${tenant} has not ended.`,
      "What it set aside may still have to come back.",
      `Look at it: npx fleet operations show ${open.id}`,
    );
  await confirmed(
    `${keptText(kept)} of ${tenant} ${kept.length > 1 ? "are" : "is"} removed for good.`,
    invocation,
  );
  // First what is beyond this host: as long as its folder is listed, it is not forgotten.
  if (spec.database)
    await new TenantPostgres(host, invocation.stack, tenant).forget(kept.map(({ operation }) => operation));
  const removed = await place.forget();
  process.stdout.write(
    `${invocation.json ? JSON.stringify({ tenant, removed }, undefined, 2) : `Removed: ${keptText(removed)}.`}\n`,
  );
}

const keptText = (kept: readonly Kept[]): string =>
  kept
    .map(
      ({ operation, bytes }) =>
        `what was kept of before restore ${operation} (${Math.ceil(bytes / 2 ** 20)} MiB)`,
    )
    .join(" and ");

const nothingKept = (tenant: string) =>
  refused(
    `Nothing of before a restore is kept of ${tenant}.`,
    "None was made, or what it set aside was removed or put back.",
    `See what was done: npx fleet operations list ${tenant}`,
  );

const refused = (what: string, why: string, remedy: string) => new SetupError([{ what, why, remedy }]);
