/**
 * Backs up a host's tenants: `node backup.mjs [config]`. And what is asked inside the container that does so:
 *   run <tenant>                            has it backed up now; prints its status as JSON
 *   drilled <tenant>                        keeps what a trial restore showed; its JSON comes by standard input
 *   list <tenant>                           prints what can be read back, as JSON
 *   check <tenant> [--data]                 looks through its repository; --data reads all of it
 *   fetch <tenant> <snapshot> <folder>      reads a backup back into an empty folder; prints what it holds. `latest` is the last
 *   stored <tenant>                         prints what a bucket or a server keeps of it, as JSON: objects and bytes
 *   remove <tenant>                         removes all of that; prints what is there then
 * And about the Postgres of a tenant that works on one and does not run meanwhile (postgres-place.ts):
 *   placeable <tenant> <folder>             whether the dump that was fetched there may take the place of what it holds
 *   place <tenant> <folder>                 puts it there; what was there is kept as of restore `--operation`
 *   unplace <tenant>                        takes that back
 *   exchange <tenant>                       puts back what restore `--before` set aside, as another restore
 *   forget <tenant>                         removes what restores `--operation`, any number of them, set aside
 * `--config <path>` names another config, `--password <path>` the file of another passphrase.
 */
import { setPriority } from "node:os";
import { json } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { createLog } from "../host/log.ts";
import { runProgram } from "../host/program.ts";
import { Drill } from "../protocol/backup-status.ts";
import { BackupError } from "./backup-error.ts";
import { type BackupConfig, DEFAULT_CONFIG_PATH, isTenantId, loadConfig } from "./config.ts";
import { ask, serveDoor } from "./door.ts";
import { fetchBackup } from "./fetch.ts";
import { followConfig } from "./followed-config.ts";
import { postgresOf } from "./postgres-dump.ts";
import { PostgresPlace } from "./postgres-place.ts";
import { POSTGRES_TAG, Restic, type Snapshot } from "./restic.ts";
import { BackupService } from "./service.ts";
import type { Kept } from "./status-file.ts";
import { removeStored, storedOf } from "./stored.ts";

/** Behind the tenants' own processes. */
const NICENESS = 10;

async function backUpTenants(configPath: string, signal: AbortSignal): Promise<void> {
  setPriority(NICENESS);
  const config = await loadConfig(configPath);
  const log = createLog("backup", config.host);
  const service = new BackupService(config, { log });
  await service.prepare();
  await Promise.all([
    serveDoor(config.door, service, signal),
    service.run(signal),
    followConfig(configPath, log, (changed) => service.follow(changed), signal),
  ]);
}

/** Exit code of a command that was refused or failed, and was told why. */
const FAILED = 1;

/** What is said of a snapshot. */
const shown = ({ id, time, tags }: Snapshot) => ({
  id,
  time: new Date(time).toISOString(),
  openWebui: tags?.find((tag) => tag.startsWith("version:"))?.slice("version:".length) ?? null,
  database: tags?.includes(POSTGRES_TAG) ? ("postgres" as const) : ("sqlite" as const),
});

async function command(name: string, rest: string[], signal: AbortSignal): Promise<unknown> {
  const { values, positionals } = parseArgs({
    args: rest,
    allowPositionals: true,
    options: {
      config: { type: "string", default: DEFAULT_CONFIG_PATH },
      password: { type: "string" },
      data: { type: "boolean", default: false },
      operation: { type: "string", multiple: true, default: [] },
      before: { type: "string" },
    },
  });
  const [tenant = "", snapshot = "", folder = ""] = positionals;
  const [operation = ""] = values.operation;
  const config = await loadConfig(values.config);
  const restic = new Restic(config, tenant, values.password);
  switch (name) {
    case "run": {
      const kept: Kept = await ask(config.door, { do: "run", tenant });
      if (kept.failing) throw new Error(kept.failing.why);
      return kept;
    }
    case "drilled":
      return ask(config.door, { do: "drilled", tenant, drill: Drill.parse(await json(process.stdin)) });
    case "list":
      return (await existing(restic, tenant, signal)).map(shown);
    case "check":
      await existing(restic, tenant, signal);
      await restic.check(values.data, signal);
      return { tenant, whole: true };
    case "fetch": {
      const found = await existing(restic, tenant, signal);
      const wanted =
        snapshot === "latest"
          ? found.at(-1)
          : found.find(({ id }) => snapshot.length >= 8 && id.startsWith(snapshot));
      if (!wanted) throw new BackupError("no-snapshot", `There is no backup ${snapshot} of ${tenant}.`);
      return {
        snapshot: wanted.id,
        verified: await fetchBackup(restic, tenant, wanted.id, folder, signal),
      };
    }
    case "stored":
      return storedOf(config.repository, named(tenant), signal);
    case "remove":
      return removeStored(config.repository, named(tenant), signal);
    case "placeable":
      await (await placeOf(config, tenant)).require(snapshot, values.before);
      return { tenant, placeable: true };
    case "place":
      return { verified: await (await placeOf(config, tenant)).restore(snapshot, operation, signal) };
    case "unplace":
      await (await placeOf(config, tenant)).takeBack(operation);
      return { tenant, operation };
    case "exchange":
      await (await placeOf(config, tenant)).exchange(values.before ?? "", operation);
      return { tenant, operation };
    case "forget":
      await (await placeOf(config, tenant)).forget(values.operation);
      return { tenant, operations: values.operation };
    default:
      throw new Error(`${name} is no command of backups.`);
  }
}

/** An empty name would be everybody's folder. */
function named(tenant: string): string {
  if (isTenantId(tenant)) return tenant;
  throw new Error(`${JSON.stringify(tenant)} is no tenant's name.`);
}

async function placeOf({ tenants, directories }: BackupConfig, tenant: string): Promise<PostgresPlace> {
  const { database } = tenants.find(({ id }) => id === tenant) ?? {};
  if (!database)
    throw new BackupError("not-placed", `${tenant} works on no Postgres, as far as its host knows.`);
  return new PostgresPlace(await postgresOf(directories, tenant, database));
}

async function existing(restic: Restic, tenant: string, signal: AbortSignal): Promise<Snapshot[]> {
  if ((await restic.id(signal)) === undefined)
    throw new BackupError("no-snapshot", `There is no backup of ${tenant}.`);
  return restic.snapshots(signal);
}

const [name = "", ...rest] = process.argv.slice(2);
if (/^[a-z]+$/.test(name)) {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  try {
    console.log(JSON.stringify(await command(name, rest, stop.signal)));
  } catch (error) {
    const said = error instanceof BackupError ? `${error.message} ${error.remedy}` : (error as Error).message;
    console.error(said);
    process.exitCode = FAILED;
  }
} else await runProgram(backUpTenants, DEFAULT_CONFIG_PATH);
