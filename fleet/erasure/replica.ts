import pg from "pg";
import * as z from "zod";
import type { Connection } from "../../sync-runtime/database/connection.ts";
import { query } from "../../sync-runtime/database/query.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";

/** What the database has of a tenant, by kind; `rows` as they were last verified. */
const Found = z.record(z.string(), z.coerce.number());

/**
 * Beside it, where the tenant is in its life and its address; null of one that never was. `live_database`: where a Postgres
 * is that it works on, without a password; null: none.
 */
const Left = z.object({
  found: Found,
  state: z.string().nullable(),
  url: z.string().nullable(),
  live_database: z.string().nullable(),
});
export type Left = z.infer<typeof Left>;

/** How long a sync that still ends may keep its tables. */
const lockWait = "60s";

/** What the database has of a tenant. */
export const leftOfTenant = (connection: Connection, tenant: string): Promise<Left> =>
  asOwner(connection, async (client) =>
    Left.parse((await client.query(query("left-of-tenant"), [tenant])).rows[0]),
  );

/** Erases a tenant's replica and what the fleet's own tables hold of its contents; answers what was there. */
export const eraseReplica = (
  connection: Connection,
  tenant: string,
  actor: string,
  reason: string,
): Promise<Record<string, number>> =>
  asOwner(connection, async (client) =>
    Found.parse((await client.query(query("erase-tenant"), [tenant, actor, reason])).rows[0]?.found),
  );

/** One transaction over the administrator's connection, with the rights of the schema's owner and no more. */
async function asOwner<T>(
  { ca, ...connection }: Connection,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...connection, ssl: ca ? { ca } : false, connectionTimeoutMillis: 30_000 });
  let away = false;
  client.on("error", () => {
    away = true;
  });
  try {
    await client.connect().catch((error) => {
      away = !(error instanceof pg.DatabaseError);
      throw error;
    });
    await client.query(`BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '${lockWait}'`);
    await client.query(query("act-as-owner"));
    const done = await work(client);
    await client.query("COMMIT");
    return done;
  } catch (error) {
    if (!away && !ending.test((error as pg.DatabaseError).code ?? "")) throw error;
    throw new CommandError(
      `the database of the replicas went away or does not answer (${(error as Error).message}); what it had not done to its end it takes back by itself`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => {});
  }
}

/** Codes with which a server says that it ends. */
const ending = /^57P0[1-5]$/;

/** Whether nothing is left that an erasure takes. */
export const isNothing = (found: Record<string, number>): boolean =>
  Object.values(found).every((count) => count === 0);
