import { spawn } from "node:child_process";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import { openForSums, postgresSums, type TableSums } from "../drill/postgres-sums.ts";
import { faultPoint } from "../fault-point.ts";
import { lastWordsOf } from "../host/sandboxed-child.ts";
import { BackupError } from "./backup-error.ts";
import type { BackupConfig } from "./config.ts";
import { diskFull, freeBytes, RESERVED_BYTES, requireSpace } from "./disk-space.ts";

const WATCH_MILLISECONDS = 200;

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
  const [client, version] = await Promise.all([connected(postgres), clientVersion()]);
  const broken = () => void client.end().catch(() => {});
  signal.addEventListener("abort", broken, { once: true });
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
    await requireSpace(into, Number(bytes));
    faultPoint("backup:database-opened");
    await dump(postgres, { path, snapshot, schema, disk: into }, signal);
    const tables = await postgresSums(client);
    await client.query("COMMIT");
    return { path, server, schema, tables, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
  } catch (error) {
    await rm(path, { force: true });
    signal.throwIfAborted();
    if (error instanceof BackupError) throw error;
    throw new BackupError("dump-failed", `The tenant's Postgres said: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", broken);
    await client.end().catch(() => {});
  }
}

async function connected({ url, password }: TenantPostgres): Promise<pg.Client> {
  const whole = new URL(url);
  whole.password = encodeURIComponent(password);
  try {
    return await openForSums(whole.href);
  } catch (cause) {
    const { host, pathname } = whole;
    throw new BackupError(
      "database-away",
      `The tenant's Postgres ${host}${pathname} cannot be asked: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

async function dump(
  { url, password }: TenantPostgres,
  { path, snapshot, schema, disk }: { path: string; snapshot: string; schema: string; disk: string },
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const { child, ended } = client(
    "pg_dump",
    [
      // Uncompressed: what did not change since is found again by restic, which compresses what it stores.
      ...["--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-password"],
      ...[`--snapshot=${snapshot}`, `--schema="${schema.replaceAll('"', '""')}"`, "--strict-names"],
      ...["--lock-wait-timeout=60s", `--file=${path}`, `--dbname=${url}`],
    ],
    { PGPASSWORD: password },
    AbortSignal.any([signal, stop.signal]),
  );
  const watch = setInterval(async () => {
    const free = await freeBytes(disk);
    if (free < RESERVED_BYTES) stop.abort(diskFull(free, 0));
  }, WATCH_MILLISECONDS);
  try {
    const [end, said] = await Promise.all([ended, lastWordsOf(child.stderr as Readable)]);
    signal.throwIfAborted();
    stop.signal.throwIfAborted();
    if (end !== "exit code 0")
      throw new BackupError("dump-failed", `pg_dump ended with ${end}: ${said.trim().slice(0, 500)}`);
    await stat(path);
  } finally {
    clearInterval(watch);
  }
}

/** Major version of `pg_dump`, which dumps no newer server. */
async function clientVersion(): Promise<number> {
  const { child, ended } = client("pg_dump", ["--version"], {}, AbortSignal.timeout(60_000));
  const [said] = await Promise.all([text(child.stdout as Readable), lastWordsOf(child.stderr as Readable)]);
  const [, major] = /\(PostgreSQL\) (\d+)/.exec(said) ?? [];
  if (major === undefined)
    throw new BackupError("dump-failed", `pg_dump did not say its version; it ended with ${await ended}.`);
  return Number(major);
}

/** Starts one of Postgres' own programs: the image's, with the libraries that lie beside it, or the machine's. */
function client(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
) {
  const { PATH, POSTGRES_CLIENT: home } = process.env;
  const child = spawn(home === undefined ? program : join(home, "bin", program), args, {
    ...{ cwd: "/", stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" },
    env: {
      ...{ PATH, TZ: "UTC", LC_ALL: "C", PGCONNECT_TIMEOUT: "10", ...environment },
      ...(home === undefined ? {} : { LD_LIBRARY_PATH: join(home, "lib") }),
    },
  });
  const ended = new Promise<string>((resolve) => {
    let why = "";
    child.on("error", ({ message }) => {
      why = `${message} `;
      if (child.pid === undefined) resolve(why.trim());
    });
    child.once("close", (code, killedBy) => resolve(`${why}${killedBy ?? `exit code ${code}`}`));
  });
  return { child, ended };
}
