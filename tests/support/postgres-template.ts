import pg from "pg";
import { migrate, readMigrations } from "../../sync-runtime/database/migrator.ts";
import { query } from "../../sync-runtime/database/query.ts";
import type { PostgresServer } from "./postgres-server.ts";

const TEMPLATE = "fleet_template";

/** Makes a database, and its rights as the stack's SyncDatabase gives them. A copy has no rights on itself of its own. */
export async function createDatabase(
  server: PostgresServer,
  name: string,
  template = "template0",
): Promise<void> {
  const locale = template === "template0" ? "ENCODING 'UTF8' LOCALE 'C.UTF-8'" : "";
  await asRoot(server, "postgres", (root) =>
    root.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${locale}`),
  );
  await asRoot(server, name, (root) =>
    root.query(`
      REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
      GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${name} TO fleet_owner;
      GRANT CONNECT, TEMPORARY ON DATABASE ${name} TO sync_service;
      GRANT CONNECT ON DATABASE ${name} TO fleet_analyst;
      CREATE SCHEMA IF NOT EXISTS sync_metadata AUTHORIZATION fleet_owner;
    `),
  );
}

/** A database with every migration and nothing declared, for others to be copied from: migrations take longer. */
export async function makeTemplate(server: PostgresServer): Promise<string> {
  await createDatabase(server, TEMPLATE);
  await asRoot(server, TEMPLATE, async (root) => {
    await root.query("BEGIN");
    await root.query(query("act-as-owner"));
    await migrate(root, readMigrations());
    await root.query("COMMIT");
  });
  return TEMPLATE;
}

/** Does something over a superuser's connection of its own. */
async function asRoot(
  { host, port, user, password }: PostgresServer,
  database: string,
  work: (root: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
