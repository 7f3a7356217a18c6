import pg from "pg";
import { query } from "../database/query.ts";
import { PromoteError } from "./promote-error.ts";
import { VERSION_TABLE } from "./strict-schema.ts";

/** How long a server may take to answer at all. */
const CONNECT_MS = 10_000;
/** After how long a silent server is asked whether it is there: users wait. Ten questions a second apart end the connection. */
const SILENT_MS = 10_000;
/** What Postgres says where a password is another, or a role is not let in. */
const REFUSED = ["28P01", "28000"];

/** What a target holds before it is filled. */
export interface TargetState {
  /** Nothing; Open WebUI's tables without users and chats; with them; or tables that are not Open WebUI's. */
  kind: "empty" | "prepared" | "used" | "foreign";
  /** Major version of its server. */
  server: number;
  /** Alembic's head, where there is one. */
  version?: string;
  tables: string[];
  /** Users and chats. */
  rows: number;
}

/**
 * Connects to the database to be filled. Its settings make texts of dates and numbers what the digests expect, and let a
 * statement take as long as it takes: hosted servers end what takes two minutes.
 */
export async function openTarget(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: libpqUrl(url),
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: SILENT_MS,
  });
  // A connection that breaks fails the statement in flight too.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SET TimeZone = 'UTC'; SET statement_timeout = 0");
    return client;
  } catch (cause) {
    await client.end().catch(() => {});
    const said = `The target ${named(url)} cannot be asked: ${(cause as Error).message}. Nothing was changed. `;
    if (REFUSED.includes((cause as { code?: string }).code ?? ""))
      throw new PromoteError("target-password", `${said}Give the password of that role in PGPASSWORD.`, {
        cause,
      });
    throw new PromoteError(
      "target-unreachable",
      `${said}Make the database and a role that owns it, and say both with --to.`,
      { cause },
    );
  }
}

/** Does something with a target, and closes it; says so where its server is gone meanwhile. */
export async function withTarget<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openTarget(url);
  let gone: Error | undefined;
  client.once("error", (error) => {
    gone = error;
  });
  try {
    return await work(client);
  } catch (cause) {
    const why = gone ?? (isShutdown(cause) ? cause : undefined);
    if (!why) throw cause;
    throw new PromoteError(
      "target-lost",
      `The target ${named(url)} was lost while it was worked on: ${why.message}. What was not finished there it forgets. ` +
        "Once it answers again, promote anew.",
      { cause },
    );
  } finally {
    // Without a COMMIT before it, the end of the connection rolls back.
    await client.end().catch(() => {});
  }
}

/** Of a server that still said so. */
const isShutdown = (error: unknown): error is Error =>
  error instanceof Error && /^57P/.test((error as { code?: string }).code ?? "");

const named = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
};

/** Has `sslmode` mean what it means to psql and to Open WebUI. */
function libpqUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.searchParams.has("sslmode")) parsed.searchParams.set("uselibpqcompat", "true");
  return parsed.href;
}

/** What the connected database holds. */
export async function targetState(client: pg.ClientBase): Promise<TargetState> {
  const { rows } = await client.query<{ name: string }>(query("strict-table-names"));
  const tables = rows.map(({ name }) => name);
  const server = await serverOf(client);
  if (tables.length === 0) return { kind: "empty", server, tables, rows: 0 };
  if (!tables.includes(VERSION_TABLE)) return { kind: "foreign", server, tables, rows: 0 };
  const version = await versionOf(client);
  let used = 0;
  for (const name of ["user", "auth", "chat"].filter((name) => tables.includes(name))) {
    const counted = await client.query<{ n: string }>(
      `SELECT count(*) AS n FROM ${pg.escapeIdentifier(name)}`,
    );
    used += Number(counted.rows[0]?.n);
  }
  return {
    kind: used > 0 ? "used" : "prepared",
    server,
    ...(version !== undefined && { version }),
    tables,
    rows: used,
  };
}

/** As 15 or 17. */
async function serverOf(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ server_version_num: string }>("SHOW server_version_num");
  return Math.floor(Number(rows[0]?.server_version_num) / 10_000);
}

/** Alembic's head in the connected database. */
async function versionOf(client: pg.ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ version: string }>(query("strict-version"));
  return rows[0]?.version;
}
