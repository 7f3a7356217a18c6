import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import { openForSums, postgresSums, type TableSums } from "../drill/postgres-sums.ts";
import { faultPoint } from "../fault-point.ts";
import { BackupError } from "./backup-error.ts";
import type { BackupConfig } from "./config.ts";
import { diskFull, freeBytes, RESERVED_BYTES, requireSpace } from "./disk-space.ts";
import { runPostgresProgram } from "./postgres-program.ts";

const WATCH_MILLISECONDS = 200;
/** 5 MB/s, and ten minutes in any case: what a tenant has its own server do is not to keep others from their backups. */
const SLOW_BYTES_PER_MILLISECOND = 5_000;
const MILLISECONDS = 600_000;

/** The Postgres that a tenant works on. */
export interface TenantPostgres {
  /** `postgresql://user@host:5432/database`, without the password. */
  url: string;
  password: string;
}

/** A dump of it, gone when it is disposed of. */
export interface PostgresDump extends AsyncDisposable {
  path: string;
  /** Major version of the server. */
  server: number;
  /** The schema that was dumped. */
  schema: string;
  tables: TableSums;
}

/** The password of a tenant's Postgres, from the file that root alone reads. */
export async function postgresOf(
  { databases }: BackupConfig["directories"],
  tenant: string,
  { url }: { url: string },
): Promise<TenantPostgres> {
  const all = z.record(z.string(), z.string()).parse(JSON.parse(await readFile(databases, "utf8")));
  const password = all[tenant];
  if (password === undefined)
    throw new BackupError("database-away", `The password of ${tenant}'s Postgres is not on its host.`);
  return { url, password };
}

/**
 * Dumps a tenant's Postgres by `pg_dump`, as it is at one moment, and has that server add up what it held at that very
 * moment: both read one snapshot. The password goes by the environment: everybody reads argv.
 * @param into a directory of our own
 */
export async function dumpPostgres(
  postgres: TenantPostgres,
  into: string,
  signal: AbortSignal,
): Promise<PostgresDump> {
  const path = join(into, "database.dump");
  const late = new AbortController();
  const stopped = AbortSignal.any([signal, late.signal]);
  let clock: NodeJS.Timeout | undefined;
  const [client, version] = await Promise.all([connected(postgres), clientVersion()]);
  const broken = () => void client.end().catch(() => {});
  stopped.addEventListener("abort", broken, { once: true });
  try {
    await client.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const { rows } = await client.query<{ snapshot: string; schema: string; server: number; bytes: string }>(
      query("dumped-server"),
    );
    const [{ snapshot, schema, server, bytes } = { snapshot: "", schema: "", server: 0, bytes: "0" }] = rows;
    if (server > version)
      throw new BackupError(
        "database-newer",
        `The tenant's Postgres is of version ${server}, and what dumps it of version ${version}.`,
      );
    const limit = Math.max(MILLISECONDS, Number(bytes) / SLOW_BYTES_PER_MILLISECOND);
    clock = setTimeout(() => late.abort(), limit);
    await requireSpace(into, Number(bytes));
    faultPoint("backup:database-opened");
    await dump(postgres, { path, snapshot, schema, disk: into }, stopped);
    const tables = await postgresSums(client);
    await client.query("COMMIT");
    return { path, server, schema, tables, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  } catch (error) {
    await rm(path, { force: true });
    signal.throwIfAborted();
    if (late.signal.aborted)
      throw new BackupError("took-too-long", "The dump of the tenant's Postgres took longer than it may.");
    if (error instanceof BackupError) throw error;
    throw new BackupError("dump-failed", `The tenant's Postgres said: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    clearTimeout(clock);
    stopped.removeEventListener("abort", broken);
    await client.end().catch(() => {});
  }
}

/** The URL with its password: for what hands it to nobody. */
export function withPassword({ url, password }: TenantPostgres): string {
  const whole = new URL(url);
  whole.password = encodeURIComponent(password);
  return whole.href;
}

/** Why a tenant's Postgres could not be connected to. */
export function databaseAway({ url }: TenantPostgres, cause: unknown): BackupError {
  const { host, pathname } = new URL(url);
  return new BackupError(
    "database-away",
    `The tenant's Postgres ${host}${pathname} cannot be asked: ${(cause as Error).message}.`,
    { cause },
  );
}

const connected = (postgres: TenantPostgres): Promise<pg.Client> =>
  openForSums(withPassword(postgres)).catch((cause) => {
    throw databaseAway(postgres, cause);
  });

async function dump(
  { url, password }: TenantPostgres,
  { path, snapshot, schema, disk }: { path: string; snapshot: string; schema: string; disk: string },
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const args = [
    // Uncompressed: what did not change since is found again by restic, which compresses what it stores.
    ...["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password"],
    ...[`--snapshot=${snapshot}`, `--schema="${schema.replaceAll('"', '""')}"`, "--strict-names"],
    ...["--lock-wait-timeout=60s", `--file=${path}`, `--dbname=${url}`],
  ];
  const watch = setInterval(async () => {
    const free = await freeBytes(disk);
    if (free < RESERVED_BYTES) stop.abort(diskFull(free, 0));
  }, WATCH_MILLISECONDS);
  try {
    await runPostgresProgram(
      "pg_dump",
      args,
      { PGPASSWORD: password },
      AbortSignal.any([signal, stop.signal]),
    );
  } finally {
    clearInterval(watch);
  }
}

/** Major version of `pg_dump`, which dumps no newer server. */
async function clientVersion(): Promise<number> {
  const said = await runPostgresProgram("pg_dump", ["--version"], {}, AbortSignal.timeout(60_000));
  const [, major] = /\(PostgreSQL\) (\d+)/.exec(said) ?? [];
  if (major === undefined) throw new BackupError("dump-failed", "pg_dump did not say its version.");
  return Number(major);
}
