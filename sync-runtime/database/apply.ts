/**
 * Migrates the database and writes what the stack's config declares, in one transaction, over the admin connection.
 * Reads an {@link ApplyRequest} from standard input, so that no secret stands in argv or the environment; prints
 * `{"version", "migrated", "changed"}` on standard output. Run by the stack; safe to run again.
 */
import { text } from "node:stream/consumers";
import pg from "pg";
import * as z from "zod";
import { ApplyRequest, type Intent } from "./intent.ts";
import { migrate, readMigrations } from "./migrator.ts";
import { query } from "./query.ts";

/** One entry that an apply changed. */
interface Change {
  id: string;
  change: "added" | "updated" | "retired" | "removed";
}

/** What an apply did. */
export interface Applied {
  version: number;
  migrated: string[];
  changed: Record<"settings" | "hosts" | "tenants" | "logins" | "readers", Change[]>;
}

/** The database is not what the stack should have made of it, or the intent does not fit what it holds. */
export class ApplyError extends Error {
  override name = "ApplyError";
  readonly code: "input-invalid" | "not-prepared" | "login-missing" | "tenant-taken";

  constructor(code: ApplyError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Migrates and writes the intent; either all of it happens or nothing. */
export async function apply({ connection: { ca, ...connection }, intent }: ApplyRequest): Promise<Applied> {
  const client = new pg.Client({ ...connection, ssl: ca ? { ca } : false, connectionTimeoutMillis: 30_000 });
  await client.connect();
  try {
    // Hosted servers end what takes two minutes; a migration of large replicas may take more.
    await client.query("BEGIN; SET LOCAL statement_timeout = 0");
    await client.query(query("act-as-owner")).catch((cause: Error) => {
      throw new ApplyError(
        "not-prepared",
        `${connection.user} cannot act as fleet_owner in ${connection.database}: ${cause.message}. ` +
          "Nothing was changed. The stack's SyncDatabase makes that role; database/README.md says how it has to be.",
        { cause },
      );
    });
    await client.query(query("lock-apply"));
    const schema = await migrate(client, readMigrations());
    const changed = await writeIntent(client, intent);
    await client.query("COMMIT");
    return { ...schema, changed };
  } finally {
    // Without a COMMIT before it, the end of the connection rolls back.
    await client.end();
  }
}

async function writeIntent(client: pg.ClientBase, intent: Intent): Promise<Applied["changed"]> {
  const { cluster } = intent;
  const roles = intent.logins.map(({ role }) => role);
  await refuseMissingRoles(client, roles);
  await refuseMissingReaders(client, intent);
  await refuseForeignTenants(client, intent);
  const changes = async (name: string, declared: unknown) =>
    (await client.query<Change>(query(name), [cluster, declared])).rows;
  const settings = await changes("apply-settings", JSON.stringify(intent.settings));
  const hosts = await changes("apply-hosts", JSON.stringify(intent.hosts));
  const declared = JSON.stringify(intent.tenants);
  // What the config said before is compared with what it says now, and is then overwritten.
  const moved = await changes("move-tenants", declared);
  const tenants = onceEach([...moved, ...(await changes("apply-tenants", declared))]);
  const logins = await changes("apply-logins", roles);
  const readers = await changes("apply-readers", JSON.stringify(intent.readers));
  await client.query(query("grant-tenant-schemas"));
  await client.query(query("grant-readers"));
  await client.query(query("watch-edits"));
  return { settings, hosts, tenants, logins, readers };
}

/** One change of each entry: the first that was made. */
const onceEach = (changes: Change[]): Change[] =>
  [...new Map(changes.toReversed().map((change) => [change.id, change])).values()].sort((one, other) =>
    one.id < other.id ? -1 : 1,
  );

async function refuseMissingRoles(client: pg.ClientBase, roles: string[]): Promise<void> {
  const { rows } = await client.query<{ role: string }>(query("missing-roles"), [roles]);
  if (rows.length > 0)
    throw new ApplyError(
      "login-missing",
      `No login role that is a member of sync_service: ${rows.map(({ role }) => role).join(", ")}. ` +
        "Nothing was changed; no node could have connected. Let the stack's SyncDatabase make it first.",
    );
}

async function refuseMissingReaders(client: pg.ClientBase, { readers }: Intent): Promise<void> {
  const roles = readers.map(({ role }) => role);
  const { rows } = await client.query<{ role: string }>(query("missing-readers"), [roles]);
  if (rows.length > 0)
    throw new ApplyError(
      "login-missing",
      `No login role that is a member of fleet_analyst: ${rows.map(({ role }) => role).join(", ")}. ` +
        "Nothing was changed; no analyst could have connected. Let the stack's SyncDatabase make it first.",
    );
}

async function refuseForeignTenants(client: pg.ClientBase, intent: Intent): Promise<void> {
  const ids = intent.tenants.map(({ id }) => id);
  const { rows } = await client.query<{ id: string; cluster: string }>(query("foreign-tenants"), [
    intent.cluster,
    ids,
  ]);
  if (rows.length > 0)
    throw new ApplyError(
      "tenant-taken",
      `Another cluster replicates into this database under the same name: ${rows
        .map(({ id, cluster }) => `${id} (of ${cluster})`)
        .join(", ")}. Nothing was changed; two tenants would have shared a replica. Choose another name.`,
    );
}

/** The request, or an error that lists everything that is wrong with it. */
export function parseRequest(input: string): ApplyRequest {
  try {
    return ApplyRequest.parse(JSON.parse(input));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : "it is not JSON";
    throw new ApplyError("input-invalid", `The input cannot be used, nothing was changed:\n${found}`);
  }
}

if (import.meta.main) {
  try {
    console.log(JSON.stringify(await apply(parseRequest(await text(process.stdin)))));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
