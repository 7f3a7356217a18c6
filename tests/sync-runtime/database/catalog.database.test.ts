/**
 * What every role must not do, tried on every table and function that the catalog names: a later migration that forgets a
 * REVOKE, a row-level policy or a check of the tenant is found here without anybody thinking of it.
 */
import type pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { intentOf, type Login, TestDatabase } from "../../support/postgres.ts";
import { callOf, functionsOf, tablesOf } from "./catalog.ts";

const database = await TestDatabase.create();
await database.apply(intentOf(["acme"]));
const others = { cluster: "other", logins: [{ role: "sync_other", cluster: "other" }] };
await database.apply(intentOf(["rival"], others));
const READERS = [
  { role: "reader_ana", tenants: null, columns: [] },
  { role: "reader_bo", tenants: ["acme"], columns: [] },
  { role: "reader_cem", tenants: ["acme"], columns: [{ table: "auth", column: "password" }] },
] as const;
await database.apply(intentOf(["acme"], { readers: structuredClone(READERS) as never }));
const clients = new Map<Login, pg.Client>();
for (const login of [
  "postgres",
  "sync_main",
  "sync_other",
  "reader_ana",
  "reader_bo",
  "reader_cem",
  "analyst_dan",
] as const)
  clients.set(login, await database.connect(login));
const as = (login: Login) => clients.get(login) as pg.Client;
const admin = as("postgres");
for (const [login, tenant] of [
  ["sync_main", "acme"],
  ["sync_other", "rival"],
] as const) {
  const tables = [{ name: "chat", columns: [{ name: "id", type: "text" }], key: ["id"], ddl: [""] }];
  await as(login).query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
  await as(login).query("SELECT * FROM sync_metadata.define_tables($1, $2)", [
    tenant,
    JSON.stringify(tables),
  ]);
  await as(login).query(`INSERT INTO tenant_${tenant}.chat (id) VALUES ('1')`);
}
afterAll(() => database.drop());

const functions = await functionsOf(admin, "sync_main");
const tables = await tablesOf(admin, "sync_main");
const callable = functions.filter(({ callable }) => callable);
const own = tables.filter(({ schema }) => schema !== "tenant_rival");

const INSUFFICIENT_PRIVILEGE = "42501";

/** How a statement is refused: its code; what it did in spite of that is rolled back. */
async function refusal(login: Login, statement: string): Promise<string> {
  const client = as(login);
  await client.query("BEGIN");
  try {
    const { command, rowCount } = await client.query(statement);
    return `allowed: ${command} ${rowCount}`;
  } catch (error) {
    return (error as pg.DatabaseError).code ?? String(error);
  } finally {
    await client.query("ROLLBACK");
  }
}

test("the catalog names what there is to try", () => {
  expect(functions.length).toBeGreaterThan(30);
  expect(tables.length).toBeGreaterThan(15);
});

/** Every kind of login there is beside the stack's own: a node's, readers' of each kind, and one of no more than the group. */
const LOGINS = ["sync_main", "reader_ana", "reader_bo", "reader_cem", "analyst_dan"] as const;

describe.each(LOGINS)("%s is refused", (login) => {
  test.each(
    own.flatMap(({ name }) => [
      `DELETE FROM ${name}`,
      `TRUNCATE ${name}`,
      `DROP TABLE ${name}`,
      `ALTER TABLE ${name} ADD COLUMN more text`,
      `ALTER TABLE ${name} DISABLE TRIGGER ALL`,
      ...["SHARE", "SHARE UPDATE EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"].map(
        (mode) => `LOCK TABLE ${name} IN ${mode} MODE`,
      ),
      `CREATE TRIGGER more BEFORE UPDATE ON ${name} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
      `CREATE TABLE pg_temp.child () INHERITS (${name})`,
      `COPY ${name} FROM PROGRAM 'id'`,
    ]),
  )("%s", async (statement) => {
    expect(await refusal(login, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test.each([
    ...[
      "fleet_owner",
      "fleet_admin",
      "sync_other",
      "postgres",
      "fleet_reader_rival",
      "pg_read_all_data",
    ].flatMap((role) => [`SET ROLE ${role}`, `GRANT ${role} TO CURRENT_USER`]),
    "SET SESSION AUTHORIZATION postgres",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_user_mapping",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "ALTER SYSTEM SET fsync = off",
    "SELECT pg_reload_conf()",
    "CREATE ROLE more",
    "CREATE DATABASE more",
    "CREATE EXTENSION postgres_fdw",
    "CREATE LANGUAGE plpython3u",
    "CREATE FUNCTION pg_temp.more() RETURNS int LANGUAGE c AS 'more'",
    "CREATE SCHEMA more",
    "CREATE TABLE public.more ()",
    "CREATE EVENT TRIGGER more ON ddl_command_start EXECUTE FUNCTION sync_metadata.own_cluster()",
    "CREATE PUBLICATION more FOR ALL TABLES",
    "SET session_replication_role = replica",
    "ALTER DATABASE CURRENT SET search_path = pg_temp".replace("CURRENT", database.name),
    "ALTER ROLE sync_other SET search_path = pg_temp",
  ])("%s", async (statement) => {
    // 25001: inside a transaction it is refused whoever asks; 42704 and 0A000: there is no such thing to have.
    expect(await refusal(login, statement)).toMatch(/^(42501|25001|42704|0A000|58P01)$/);
  });
});

describe.each(LOGINS.slice(1))("%s, who is no node", (login) => {
  test.each(callable.map((called) => [callOf(called, "'acme'")]))("may not call %s", async (statement) => {
    expect(await refusal(login, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test.each(
    tables
      .filter(({ schema, name }) => schema === "sync_metadata" || name.includes("._replica_"))
      .flatMap(({ name }) => [
        `SELECT count(*) FROM ${name}`,
        `SELECT FROM ${name} FOR KEY SHARE`,
        `INSERT INTO ${name} DEFAULT VALUES`,
        `COPY ${name} TO STDOUT`,
        `COPY ${name} FROM STDIN`,
        `LOCK TABLE ${name} IN ACCESS SHARE MODE`,
      ]),
  )("may neither see nor add to the fleet's own state: %s", async (statement) => {
    expect(await refusal(login, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test.each(tables.filter(({ schema }) => schema === "sync_metadata"))(
    "may change no column of $name",
    async ({ name }) => {
      const { rows } = await admin.query(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
        [name],
      );
      for (const { attname } of rows)
        expect(await refusal(login, `UPDATE ${name} SET "${attname}" = DEFAULT`)).toBe(
          INSUFFICIENT_PRIVILEGE,
        );
    },
  );
});

test("a node's login may update what nodes write, by column, and no key", async () => {
  const { rows } = await admin.query(`
    SELECT a.attrelid::regclass::text AS "table", a.attname AS key FROM pg_index AS i
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indisprimary AND i.indrelid::regclass::text LIKE 'sync_metadata.%'
      AND has_column_privilege('sync_main', a.attrelid, a.attnum, 'UPDATE')`);
  expect(rows).toEqual([]);
});

describe("PUBLIC has no right", () => {
  const rights = async (statement: string, names: string[]) => (await admin.query(statement, [names])).rows;

  test("on any table, column or sequence", async () => {
    const found = await rights(
      `SELECT name FROM unnest($1::text[]) AS name
       WHERE has_table_privilege('public', name, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
         OR has_any_column_privilege('public', name, 'SELECT, INSERT, UPDATE, REFERENCES')`,
      tables.map(({ name }) => name),
    );
    expect(found).toEqual([]);
  });

  test("on any function", async () => {
    const { rows } = await admin.query(`
      SELECT p.oid::regprocedure::text FROM pg_proc AS p
      WHERE p.pronamespace = 'sync_metadata'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')`);
    expect(rows).toEqual([]);
  });
});

describe("rows of clusters are kept apart:", () => {
  test.each(own.filter(({ granted, clustered }) => granted && clustered).map(({ name }) => [name]))(
    "%s",
    async (name) => {
      const table = tables.find((table) => table.name === name);
      expect(table?.secured, "row-level security").toBe(true);
      const seen = await as("sync_main").query(
        `SELECT count(*)::int AS foreign FROM ${name} WHERE cluster <> 'main'`,
      );
      expect(seen.rows).toEqual([{ foreign: 0 }]);
    },
  );

  test("a table that is no cluster's is read only", async () => {
    const open = tables.filter(
      ({ schema, granted, secured }) => schema === "sync_metadata" && granted && !secured,
    );
    const { rows } = await admin.query(
      `SELECT name FROM unnest($1::text[]) AS name
       WHERE has_any_column_privilege('sync_main', name, 'INSERT, UPDATE, REFERENCES')`,
      [open.map(({ name }) => name)],
    );
    expect(rows).toEqual([]);
  });
});

/** Everything of another cluster, as one text. */
async function everythingOfOthers(): Promise<string> {
  const kept: string[] = [];
  for (const { name, schema, clustered } of tables) {
    if (schema === "tenant_acme" || (schema === "sync_metadata" && !clustered)) continue;
    const which = schema === "sync_metadata" ? "WHERE cluster = 'other'" : "";
    const { rows } = await admin.query(
      `SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') AS text FROM ${name} AS t ${which}`,
    );
    kept.push(`${name}: ${rows[0].text}`);
  }
  return kept.join("\n");
}

describe("sync_main, with what it may call, does nothing to another cluster:", () => {
  const HOSTILE = [
    "'rival'",
    "NULL",
    "'main'",
    "'other'",
    "E'acme\\'; DROP SCHEMA sync_metadata CASCADE; --'",
    "'acme\"; --'",
    "''",
  ];

  test.each(
    callable.filter(({ granted }) => granted).map((called) => [callOf(called, "'rival'"), called] as const),
  )("%s", async (statement, called) => {
    const before = await everythingOfOthers();
    const client = as("sync_main");
    for (const text of HOSTILE) await client.query(callOf(called, text)).catch(() => {});
    expect(await everythingOfOthers()).toBe(before);
    // Whoever acts for its owner on a tenant has to ask whose that is.
    const ofTenant = called.parameters.some(({ name, type }) => type === "text" && name.includes("tenant"));
    if (called.definer && ofTenant)
      expect(await refusal("sync_main", statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });
});

test("a lock that somebody takes by its number keeps nobody else from working", async () => {
  const { rows } = await admin.query(`
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    WHERE p.pronamespace = 'sync_metadata'::regnamespace AND p.prosrc ~* 'advisory'`);
  expect(rows).toEqual([]);
});

test("another's large object cannot be read or removed", async () => {
  const { rows } = await as("sync_other").query("SELECT lo_from_bytea(0, 'secret') AS made");
  for (const login of LOGINS)
    for (const statement of [`SELECT lo_get(${rows[0].made})`, `SELECT lo_unlink(${rows[0].made})`])
      expect(await refusal(login, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test("another login's connections cannot be ended", async () => {
  const { rows } = await as("sync_other").query("SELECT pg_backend_pid() AS pid");
  for (const ended of ["pg_terminate_backend", "pg_cancel_backend"])
    expect(await refusal("sync_main", `SELECT ${ended}(${rows[0].pid})`)).toBe(INSUFFICIENT_PRIVILEGE);
});
