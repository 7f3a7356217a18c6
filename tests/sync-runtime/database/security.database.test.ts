import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { intentOf, RIVAL, TestDatabase } from "../../support/postgres.ts";

let database: TestDatabase;
let admin: pg.Client;
let sync: pg.Client;
let other: pg.Client;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(["acme"]));
  await database.apply(RIVAL);
  admin = await database.connect("postgres");
  sync = await database.connect("sync_main");
  other = await database.connect("sync_other");
  for (const [client, tenant] of [
    [sync, "acme"],
    [other, "rival"],
  ] as const) {
    await client.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
    await define(client, tenant, "chat");
    await client.query(`INSERT INTO "tenant_${tenant}".chat (id) VALUES ('1')`);
    await client.query(
      `WITH job AS (
         INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at)
         SELECT sync_metadata.own_cluster(), $1, 'verify', 'failed', now() RETURNING id
       )
       INSERT INTO sync_metadata.replica_differences (cluster, tenant, job, source, what)
       SELECT sync_metadata.own_cluster(), $1, id, 'chat', 'extra' FROM job`,
      [tenant],
    );
  }
});
afterAll(() => database.drop());

/** The error code of a statement that has to be refused; what it did in spite of that is rolled back. */
async function refusal(client: pg.Client, statement: string, parameters: unknown[] = []): Promise<string> {
  await client.query("BEGIN");
  try {
    const { command, rowCount } = await client.query(statement, parameters);
    return `allowed: ${command} ${rowCount}`;
  } catch (error) {
    return (error as pg.DatabaseError).code ?? "";
  } finally {
    await client.query("ROLLBACK");
  }
}

const define = (
  client: pg.Client,
  tenant: string,
  table: string,
  columns = [{ name: "id", type: "text" }],
  key = ["id"],
) =>
  client.query("SELECT * FROM sync_metadata.define_tables($1, $2)", [
    tenant,
    JSON.stringify([{ name: table, columns, key, ddl: [""] }]),
  ]);

/** What somebody writes into a table of any name and columns is noted, and the next sync takes just that off. */
async function editAndUndo(table: string): Promise<void> {
  const target = `tenant_acme.${pg.escapeIdentifier(table)}`;
  const measured = async () =>
    (await sync.query("SELECT * FROM sync_metadata.measure_table('acme', $1)", [table])).rows;
  const before = await measured();
  await admin.query(`UPDATE ${target} SET other = 'edited'`);
  await admin.query(`INSERT INTO ${target} (other) VALUES ('one more')`);
  await admin.query(`UPDATE ${target} SET _replica_odd = '{"other": "4e"}' WHERE other = 'one more'`);
  const { rows } = await sync.query("SELECT * FROM sync_metadata.undo_edits('acme', '1 s')");
  expect(rows).toEqual([{ edits: "3", resolutions: "0" }]);
  expect(await measured()).toEqual(before);
}

const INSUFFICIENT_PRIVILEGE = "42501";

describe("a cluster's login is refused", () => {
  test.each([
    ["DELETE FROM sync_metadata.sync_jobs"],
    ["DELETE FROM tenant_acme.chat"],
    ["TRUNCATE tenant_acme.chat"],
    ["UPDATE tenant_acme.chat SET id = '2'"],
    ["DROP TABLE tenant_acme.chat"],
    ["DROP SCHEMA tenant_acme CASCADE"],
    ["ALTER TABLE tenant_acme.chat ADD COLUMN more text"],
    ["CREATE TABLE tenant_acme.more (id text)"],
    ["CREATE TABLE sync_metadata.more (id text)"],
    ["CREATE TABLE public.more (id text)"],
    ["CREATE SCHEMA more"],
    ["CREATE FUNCTION sync_metadata.more() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["CREATE INDEX ON tenant_acme.chat (id)"],
    [
      "CREATE TRIGGER more BEFORE INSERT ON tenant_acme.chat EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
    ["CREATE EXTENSION dblink"],
    ["SELECT * FROM tenant_acme._replica_tombstones"],
    ["SELECT * FROM tenant_acme._replica_removed"],
    ["DELETE FROM tenant_acme._replica_removed"],
    ["TRUNCATE tenant_acme._replica_removed"],
    ["INSERT INTO tenant_acme._replica_removed (digest, xact) VALUES ('\\x00', '1')"],
    ["SELECT sync_metadata.define_table('acme', 'more', '[]', NULL, '{}', NULL)"],
    ["SELECT sync_metadata.make_removed('tenant_acme')"],
    ["SELECT * FROM sync_metadata.cluster_logins"],
    ["UPDATE sync_metadata.client_deployments SET state = 'retired'"],
    ["UPDATE sync_metadata.replica_tables SET columns = '[]'"],
    [
      "UPDATE sync_metadata.replicas SET held_id = NULL, held_reason = NULL, held_detail = NULL, held_at = NULL",
    ],
    ["UPDATE sync_metadata.replicas SET held_accepted_at = now()"],
    ["UPDATE sync_metadata.replicas SET made_at = now()"],
    ["UPDATE sync_metadata.cluster_settings SET tombstone_retention = '1 day'"],
    [
      "INSERT INTO sync_metadata.cluster_settings VALUES ('main', '7 days', '1 day') ON CONFLICT (cluster) DO UPDATE SET tombstone_retention = '1 day'",
    ],
    ["DELETE FROM tenant_acme._replica_tombstones"],
    ["DELETE FROM sync_metadata.replica_differences"],
    ["UPDATE sync_metadata.replica_differences SET what = 'extra'"],
    ["UPDATE tenant_acme._replica_tombstones SET retired_at = '-infinity'"],
    ["INSERT INTO sync_metadata.replicas (tenant, cluster) VALUES ('acme', 'main')"],
    ["SELECT * FROM pg_authid"],
    ["SET ROLE fleet_owner"],
    ["SET ROLE sync_other"],
    ["SET SESSION AUTHORIZATION sync_other"],
    ["ALTER ROLE sync_main SUPERUSER"],
    ["GRANT fleet_owner TO sync_main"],
    ["COPY (SELECT 1) TO PROGRAM 'id'"],
    ["SELECT pg_read_file('/etc/passwd')"],
    ["SELECT sync_metadata.grant_tenant_schema('rival')"],
    ["SELECT sync_metadata.reshape_table('acme', 'chat', '[]', '[]')"],
    ["INSERT INTO tenant_acme._replica_edits (source, op) VALUES ('chat', 'delete')"],
    ["UPDATE tenant_acme._replica_edits SET conflict = 1"],
    ["DELETE FROM tenant_acme._replica_edits"],
    ["SELECT * FROM tenant_acme._replica_undone"],
    ["UPDATE tenant_acme._replica_undone SET laid = true"],
    ["ALTER TABLE tenant_acme.chat DISABLE TRIGGER _replica_note"],
    ["DROP TRIGGER _replica_note ON tenant_acme.chat"],
    ["INSERT INTO sync_metadata.conflict_log (cluster) VALUES ('main')"],
    ["UPDATE sync_metadata.conflict_log SET winner = 'source'"],
    ["DELETE FROM sync_metadata.conflict_log"],
    ["UPDATE sync_metadata.replicas SET decided = 0"],
    ["SELECT sync_metadata.watch_edits('acme')"],
    ["SELECT sync_metadata.undo_table('acme', 'chat')"],
    ["SELECT sync_metadata.lay_table('acme', 'chat')"],
    ["SELECT sync_metadata.note_edit()"],
  ])("%s", async (statement) => {
    expect(await refusal(sync, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test("a digest of its own making", async () => {
    const forged = "INSERT INTO tenant_acme.chat (id, _replica_digest) VALUES ('3', '\\x00')";
    expect(await refusal(sync, forged)).toBe("428C9"); // generated always
  });

  test("a change to a job that has ended: the history is final", async () => {
    const { rows } = await sync.query(
      `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, finished_at)
       VALUES ('main', 'acme', 'manual', 'failed', now(), now()) RETURNING id`,
    );
    const forged =
      "UPDATE sync_metadata.sync_jobs SET status = 'unchanged', finished_at = NULL WHERE id = $1";
    expect(await refusal(sync, forged, [rows[0].id])).toBe("allowed: UPDATE 0");
  });

  test("folding a job into one that found something, to be rid of it", async () => {
    const { rows } = await sync.query(
      `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, finished_at)
       SELECT 'main', 'acme', 'interval', s, now(), now() FROM unnest(ARRAY['failed', 'unchanged']) AS s RETURNING id`,
    );
    await sync.query("SELECT sync_metadata.fold_job($1)", [rows[1].id]);
    const kept = await admin.query("SELECT status FROM sync_metadata.sync_jobs WHERE id = $1", [rows[0].id]);
    expect(kept.rows).toEqual([{ status: "failed" }]);
  });

  test("every right to remove, reshape or refer to anything, wherever it looks", async () => {
    const { rows } = await admin.query(`
      SELECT c.oid::regclass::text AS thing, p AS privilege
      FROM pg_class AS c, unnest(ARRAY['DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
      WHERE c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('sync_main', c.oid, p)
      UNION ALL
      SELECT n.nspname, 'CREATE' FROM pg_namespace AS n
      WHERE n.nspname NOT LIKE 'pg\\_temp\\_%' AND n.nspname NOT LIKE 'pg\\_toast%'
        AND has_schema_privilege('sync_main', n.oid, 'CREATE')
      UNION ALL
      SELECT current_database(), 'CREATE' WHERE has_database_privilege('sync_main', current_database(), 'CREATE')
    `);
    expect(rows).toEqual([]);
  });
});

describe("a cluster's login sees nothing of another cluster", () => {
  test.each([
    "hosts",
    "client_deployments",
    "transitions",
    "cache_events",
    "replicas",
    "replica_tables",
    "cluster_settings",
    "replica_differences",
  ])("in %s", async (table) => {
    const seen = async (client: pg.Client) =>
      (await client.query(`SELECT DISTINCT cluster FROM sync_metadata.${table}`)).rows;
    expect(await seen(sync)).toEqual([{ cluster: "main" }]);
    expect(await seen(other)).toEqual([{ cluster: "other" }]);
  });

  test("in jobs, nodes and leases, where it cannot write for the other either", async () => {
    const job =
      "INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, due_at) VALUES ('other', 'rival', 'manual', now())";
    const lease =
      "INSERT INTO sync_metadata.leader_election (cluster, holder, node, expires_at) VALUES ('other', gen_random_uuid(), 'x', now())";
    const node =
      "INSERT INTO sync_metadata.nodes (cluster, id, run) VALUES ('other', 'x', gen_random_uuid())";
    for (const statement of [job, lease, node])
      expect(await refusal(sync, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test("whatever it says about itself in settings", async () => {
    await sync.query("SET app.current_host_id = 'other'");
    await sync.query("SET application_name = 'sync_other'");
    const { rows } = await sync.query("SELECT sync_metadata.own_cluster() AS cluster");
    expect(rows).toEqual([{ cluster: "main" }]);
  });

  test("in a tenant's schema", async () => {
    expect(await refusal(sync, "SELECT * FROM tenant_rival.chat")).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal(sync, "INSERT INTO tenant_rival.chat (id) VALUES ('2')")).toBe(
      INSUFFICIENT_PRIVILEGE,
    );
  });

  test.each([
    ["SELECT sync_metadata.make_tenant_schema('rival')"],
    [
      `SELECT sync_metadata.define_tables('rival', '[{"name": "more", "columns": [{"name": "id", "type": "text"}], "ddl": []}]')`,
    ],
    ["SELECT sync_metadata.retire_table('rival', 'chat')"],
    ["SELECT sync_metadata.hold_replica('rival', 1, gen_random_uuid(), 'source-empty', '{}', NULL)"],
    ["SELECT sync_metadata.accept_hold('rival', gen_random_uuid())"],
    ["SELECT sync_metadata.end_hold('rival', 1)"],
    ["SELECT sync_metadata.rebuild_digests('rival', 'chat')"],
    ["SELECT sync_metadata.read_back('rival', 'chat')"],
    ["SELECT sync_metadata.drop_tombstones('rival', gen_random_uuid(), 1)"],
    ["SELECT sync_metadata.define_tables('rival', '[]')"],
    ["SELECT sync_metadata.retire_rows('rival', 'chat')"],
    ["SELECT sync_metadata.collect_removed('rival', '\\x00')"],
    ["SELECT sync_metadata.undo_edits('rival', '1 s')"],
    ["SELECT sync_metadata.meet_edits('rival', 1, 1)"],
    ["SELECT sync_metadata.undone_edits('rival', 0)"],
    ["SELECT sync_metadata.lay_edits('rival', 1, 1, '[]')"],
    ["SELECT sync_metadata.settle_edits('rival', 1, 1)"],
    ["SELECT sync_metadata.begin_write('rival', gen_random_uuid(), 1, 0)"],
    ["SELECT sync_metadata.note_written('rival', gen_random_uuid(), 1, 'local', '[]')"],
    ["SELECT sync_metadata.end_write('rival', gen_random_uuid(), 1, true, NULL, NULL)"],
    ["SELECT sync_metadata.make_tenant_schema('unknown')"],
    ["SELECT sync_metadata.make_tenant_schema('acme\"; DROP SCHEMA sync_metadata; --')"],
  ])("through %s", async (statement) => {
    expect(await refusal(sync, statement)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test("any more, once it speaks for another cluster itself", async () => {
    const others = (role: string) =>
      intentOf(["rival"], { cluster: "other", logins: [{ role, cluster: "other" }] });
    await database.apply(others("sync_main"));
    expect(await refusal(sync, "SELECT * FROM tenant_acme.chat")).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await refusal(sync, "SELECT * FROM tenant_rival.chat")).toBe("allowed: SELECT 1");
    await database.apply(intentOf(["acme"]));
    await database.apply(others("sync_other"));
    expect(await refusal(sync, "SELECT * FROM tenant_acme.chat")).toBe("allowed: SELECT 1");
    expect(await refusal(sync, "SELECT * FROM tenant_rival.chat")).toBe(INSUFFICIENT_PRIVILEGE);
  });
});

describe("the definer functions", () => {
  test.each([
    ['"; DROP SCHEMA tenant_acme CASCADE; --'],
    ["'); DELETE FROM sync_metadata.migrations; --"],
    ["$$; SELECT 1; $$"],
    ["%I %L %s %1$I"],
    ["user"],
    ["select"],
    ["Grüße 👋 表"],
    ["\\x27 E'\\\\"],
    ["line\nbreak\ttab"],
    ["x".repeat(63)],
    ["canonical"],
    ["digest"],
    ["row_key"],
    ["t"],
    ["ctid"],
    ["tableoid"],
    ["text"],
    ["pg_class"],
    ["null"],
    ["\u202eevil\u0301"],
    ["', '{}'::jsonb) || pg_read_file('/etc/passwd') || ('"],
    ["x\" bytea GENERATED ALWAYS AS ('') STORED, \"y"],
  ])("take %j for what it is as a table, a column and a key", async (name) => {
    const columns = [
      { name, type: "json" },
      { name: "other", type: "text" },
    ];
    await sync.query("BEGIN");
    const key = columns.map((column) => column.name);
    await define(sync, "acme", name, columns, key);
    await sync.query("SELECT sync_metadata.make_stage('acme', $1)", [name]);
    await sync.query("INSERT INTO pg_temp.stage (other) VALUES ('row')");
    await sync.query("SELECT sync_metadata.merge_stage('acme', $1)", [name]);
    await sync.query("COMMIT");
    await editAndUndo(name);
    await sync.query("BEGIN");
    const { rows } = await sync.query(
      `SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'tenant_acme'::regnamespace AND c.relname = $1`,
      [name],
    );
    expect(rows).toEqual([{ relname: name }]);
    const fewer = await define(sync, "acme", name, columns.slice(1), ["other"]);
    expect(fewer.rows).toMatchObject([{ filled: true, columns: [{ name: "other", type: "text" }] }]);
    const measured = await sync.query("SELECT rows FROM sync_metadata.measure_table('acme', $1)", [name]);
    expect(measured.rows).toEqual([{ rows: "1" }]);
    await sync.query("SELECT sync_metadata.retire_table('acme', $1)", [name]);
    await sync.query("COMMIT");
  });

  test.each([
    ["a name of 64 bytes", ["x".repeat(64)], "text", "42602"],
    ["an empty name", [""], "text", "42602"],
    ["a name of the bookkeeping", ["_replica_tombstones"], "text", "42602"],
    ["a name of the bookkeeping in capitals", ["_REPLICA_odd"], "text", "42602"],
    ["a type that is not on the list", ["chat", "id"], "regclass", "22023"],
    ["a type with more behind it", ["chat", "id"], "text DEFAULT pg_read_file('/etc/passwd')", "22023"],
    ["no type", ["chat", "id"], null, "22023"],
  ])("refuse %s", async (_, [table, column = table], type, code) => {
    const tables = JSON.stringify([{ name: table, columns: [{ name: column, type }], key: null, ddl: [] }]);
    expect(await refusal(sync, "SELECT sync_metadata.define_tables('acme', $1)", [tables])).toBe(code);
  });

  test("tell names apart that differ in case only", async () => {
    await sync.query("BEGIN");
    const columns = ["id", "ID", "Id"].map((name) => ({ name, type: "text" }));
    for (const table of ["twin", "Twin", "TWIN"]) await define(sync, "acme", table, columns, ["ID"]);
    await sync.query(`INSERT INTO tenant_acme."Twin" (id, "ID", "Id") VALUES ('a', 'b', 'c')`);
    await sync.query("SELECT sync_metadata.retire_table('acme', 'twin')");
    const { rows } = await sync.query(`SELECT id, "ID", "Id" FROM tenant_acme."Twin"`);
    expect(rows).toEqual([{ id: "a", ID: "b", Id: "c" }]);
    await sync.query("ROLLBACK");
  });

  test("make as many tables and columns as a source may have, and not one column more", async () => {
    const columns = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `${"ü".repeat(29)}%I${index}`, type: "text" }));
    const tables = (count: number, width: number) =>
      JSON.stringify(
        Array.from({ length: count }, (_, index) => ({
          name: `'; -- ${index}`,
          columns: columns(width),
          key: null,
          ddl: [],
        })),
      );
    const statement = "SELECT count(*) FROM sync_metadata.define_tables('acme', $1)";
    expect(await refusal(sync, statement, [tables(1000, 1)])).toBe("allowed: SELECT 1");
    expect(await refusal(sync, statement, [tables(1, 501)])).toBe("54011");
    await sync.query("BEGIN");
    await sync.query(statement, [tables(1, 500)]);
    await sync.query(`INSERT INTO tenant_acme."'; -- 0" (_replica_odd) VALUES (NULL)`);
    const measured = await sync.query("SELECT rows FROM sync_metadata.measure_table('acme', $1)", [
      "'; -- 0",
    ]);
    expect(measured.rows).toEqual([{ rows: "1" }]);
    await sync.query("ROLLBACK");
  });

  test("retire nothing that another transaction collected, and clear it away", async () => {
    const collect =
      "SELECT sync_metadata.collect_removed('acme', (SELECT _replica_digest FROM tenant_acme.chat))";
    await sync.query(collect);
    const { rows } = await sync.query("SELECT * FROM sync_metadata.retire_rows('acme', 'chat')");
    expect(rows).toEqual([{ asked: "0", retired: "0", tombstoned: "0" }]);
    expect((await admin.query("SELECT count(*) FROM tenant_acme._replica_removed")).rows).toEqual([
      { count: "0" },
    ]);
    expect(await refusal(sync, "SELECT * FROM tenant_acme.chat")).toBe("allowed: SELECT 1");
  });

  test.each([
    ["nothing", null, "0"],
    ["no byte", "\\x", "0"],
    ["bytes that are no digest", "\\x0102", "0"],
    ["more than a digest", `\\x${"00".repeat(40)}`, "1"],
  ])("collect %s as removed rows, and then find none", async (_, digests, asked) => {
    await sync.query("BEGIN");
    await sync.query("SELECT sync_metadata.collect_removed('acme', $1)", [digests]);
    const { rows } = await sync.query("SELECT * FROM sync_metadata.retire_rows('acme', 'chat')");
    expect(rows).toEqual([{ asked, retired: "0", tombstoned: "0" }]);
    await sync.query("ROLLBACK");
  });

  test.each([
    ["SELECT sync_metadata.retire_rows('acme', 'no such table')", "P0002"],
    ["SELECT sync_metadata.retire_rows('acme', '_replica_tombstones')", "P0002"],
    ["SELECT sync_metadata.retire_rows('acme', NULL)", "P0002"],
    ["SELECT sync_metadata.retire_rows(NULL, 'chat')", INSUFFICIENT_PRIVILEGE],
    ["SELECT sync_metadata.define_tables(NULL, '[]')", INSUFFICIENT_PRIVILEGE],
    [`SELECT sync_metadata.define_tables('acme', '[{"name": null}]')`, "22004"],
    [`SELECT sync_metadata.define_tables('acme', '[{"name": "more", "columns": {}}]')`, "22023"],
    [`SELECT sync_metadata.define_tables('acme', '{"name": "more"}')`, "22023"],
  ])("refuse %s", async (statement, code) => {
    expect(await refusal(sync, statement)).toBe(code);
  });

  test("refuse a key of columns that the table does not have", async () => {
    const statement = `SELECT sync_metadata.define_tables('acme', '[{"name": "more", "columns": [{"name": "id", "type": "text"}], "key": ["other"]}]')`;
    expect(await refusal(sync, statement)).toBe("22023");
  });

  test("refuse whoever speaks for no cluster, a superuser included", async () => {
    expect(await refusal(admin, "SELECT sync_metadata.retire_table('acme', 'chat')")).toBe(
      INSUFFICIENT_PRIVILEGE,
    );
  });

  test("are not misled by what their caller put into its temporary schema or search_path", async () => {
    await sync.query("BEGIN");
    await sync.query(
      "CREATE TEMP TABLE client_deployments AS SELECT 'rival' AS id, 'main' AS cluster, 'active' AS state",
    );
    await sync.query(
      "CREATE FUNCTION pg_temp.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP SCHEMA tenant_acme CASCADE' $$",
    );
    await sync.query(
      "CREATE FUNCTION pg_temp.own_cluster() RETURNS text LANGUAGE sql AS $$ SELECT 'other' $$",
    );
    await sync.query("SET LOCAL search_path = pg_temp, sync_metadata, pg_catalog");
    await sync.query("SAVEPOINT before");
    await expect(sync.query("SELECT make_tenant_schema('rival')")).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    });
    await sync.query("ROLLBACK TO before");
    await define(sync, "acme", "more");
    const { rows } = await sync.query("SELECT to_regclass('tenant_acme.more') IS NOT NULL AS made");
    expect(rows).toEqual([{ made: true }]);
    await sync.query("ROLLBACK");
  });

  test("all pin their search_path, and no function is anybody's who was not granted it", async () => {
    const { rows } = await admin.query(`
      SELECT p.proname AS name,
        p.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false) AS unpinned,
        EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0) AS public
      FROM pg_proc AS p WHERE p.pronamespace = 'sync_metadata'::regnamespace
    `);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter(({ unpinned, public: anybody }) => unpinned || anybody)).toEqual([]);
  });
});
