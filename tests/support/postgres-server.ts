import { randomBytes } from "node:crypto";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { run } from "./fleet/command.ts";
import { until } from "./fleet/until.ts";
import { makeTemplate } from "./postgres-template.ts";

/** How tests reach the server as its superuser. */
export interface PostgresServer {
  host: string;
  port: number;
  user: string;
  password: string;
  /** A database that was migrated already, to copy; without it each is migrated by whoever makes it. */
  template?: string;
}

declare module "vitest" {
  interface ProvidedContext {
    postgres: PostgresServer;
  }
}

/** Roles as the stack's SyncDatabase makes them (sync-runtime/database/README.md), with a second cluster to refuse. */
const ROLES = `
  CREATE ROLE fleet_owner NOLOGIN;
  CREATE ROLE sync_service NOLOGIN;
  CREATE ROLE fleet_admin LOGIN PASSWORD 'password of admin' IN ROLE fleet_owner;
  CREATE ROLE sync_main LOGIN PASSWORD 'password of main' IN ROLE sync_service;
  CREATE ROLE sync_other LOGIN PASSWORD 'password of other' IN ROLE sync_service;
  CREATE ROLE fleet_analyst NOLOGIN;
  CREATE ROLE fleet_reader NOLOGIN;
  CREATE ROLE fleet_reader_acme NOLOGIN;
  CREATE ROLE fleet_reader_rival NOLOGIN;
  CREATE ROLE reader_ana LOGIN PASSWORD 'password of ana' IN ROLE fleet_analyst, fleet_reader;
  CREATE ROLE reader_bo LOGIN PASSWORD 'password of bo' IN ROLE fleet_analyst, fleet_reader_acme;
  CREATE ROLE analyst_dan LOGIN PASSWORD 'password of dan' IN ROLE fleet_analyst;
  CREATE ROLE reader_cem LOGIN PASSWORD 'password of cem' IN ROLE fleet_analyst, fleet_reader_acme;
`;

/** A real Postgres in a container of its own. */
export interface RunningPostgres {
  server: PostgresServer;
  container: string;
  /** Removes the container and everything that was in it. */
  stop(): Promise<void>;
}

/** What a server may be given; the rest is as the image has it. */
export interface PostgresOptions {
  /** The beginning of the container's name. */
  name: string;
  /** More for `docker run`: mounts, say. */
  arguments: string[];
  /** As `name=value`. */
  settings: string[];
}

/**
 * Vitest's global setup: one server for all files of a run, its data in memory, removed at the end. Every file makes a
 * database of its own in it (postgres.ts).
 */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const { server, stop } = await startServer({
    name: "owui-test-postgres",
    arguments: ["--tmpfs", "/var/lib/postgresql/data"],
    // What was committed when is what fence/ judges by.
    settings: ["fsync=off", "max_connections=200", "track_commit_timestamp=on"],
  });
  try {
    project.provide("postgres", { ...server, template: await makeTemplate(server) });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

/** Starts a server that has the roles of {@link ROLES}; it answers when this resolves. */
export async function startServer(options: PostgresOptions): Promise<RunningPostgres> {
  const container = `${options.name}-${randomBytes(4).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  const docker = async (...args: string[]) => (await run(["docker", ...args])).stdout.trim();
  await docker(
    ...["run", "--detach", "--rm", "--name", container, "--publish", "127.0.0.1::5432"],
    ...["--env", `POSTGRES_PASSWORD=${password}`, ...options.arguments, "postgres:15-bookworm"],
    ...options.settings.flatMap((setting) => ["-c", setting]),
  );
  const stop = async () => void (await docker("rm", "--force", "--volumes", container));
  try {
    const port = Number((await docker("port", container, "5432/tcp")).split(":").at(-1));
    const server = { host: "127.0.0.1", port, user: "postgres", password };
    await until("Postgres answers over TCP", () => makeRoles(server));
    return { server, container, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeRoles(server: PostgresServer): Promise<true> {
  const client = new pg.Client(server);
  // Docker's proxy accepts before the server does, and then hangs up.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query(ROLES);
    return true;
  } finally {
    await client.end();
  }
}
