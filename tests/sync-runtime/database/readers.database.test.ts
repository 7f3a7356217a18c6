import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { intentOf, type Reader, RIVAL, TestDatabase } from "../../support/postgres.ts";

const READERS: { role: Reader; tenants: string[] | null; columns: { table: string; column: string }[] }[] = [
  { role: "reader_ana", tenants: null, columns: [] },
  { role: "reader_bo", tenants: ["acme"], columns: [] },
  { role: "reader_cem", tenants: ["acme"], columns: [{ table: "auth", column: "password" }] },
];

let database: TestDatabase;
let admin: pg.Client;
let sync: pg.Client;
let other: pg.Client;
const readers = {} as Record<Reader, pg.Client>;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(["acme"], { readers: READERS }));
  await database.apply(RIVAL);
  admin = await database.connect("postgres");
  sync = await database.connect("sync_main");
  other = await database.connect("sync_other");
  for (const { role } of READERS) readers[role] = await database.connect(role);
  for (const [client, tenant] of [
    [sync, "acme"],
    [other, "rival"],
  ] as const) {
    await client.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
    await define(client, tenant, "auth", ["id", "email", "password"]);
    await define(client, tenant, "user", ["id", "email", "api_key", "settings", "oauth"]);
    await client.query(
      `INSERT INTO "tenant_${tenant}".auth (id, email, password) VALUES ('1', 'a@b', '$2b$hash')`,
    );
    await client.query(`INSERT INTO "tenant_${tenant}"."user" (id, api_key) VALUES ('1', 'sk-secret')`);
  }
});
afterAll(() => database.drop());

/** Makes a table, or one of another shape; its id is text, its other columns are of one type. */
const define = (client: pg.Client, tenant: string, table: string, columns: string[], type = "text") => {
  const typed = columns.map((name) => ({ name, type: name === "id" ? "text" : type }));
  return client.query("SELECT sync_metadata.define_tables($1, $2)", [
    tenant,
    JSON.stringify([{ name: table, columns: typed, key: ["id"], ddl: [""] }]),
  ]);
};

/** The error code of a statement, or what it gave; what it did is rolled back. */
async function outcome(client: pg.Client, statement: string): Promise<unknown> {
  await client.query("BEGIN");
  try {
    return (await client.query(statement)).rows;
  } catch (error) {
    return (error as pg.DatabaseError).code;
  } finally {
    await client.query("ROLLBACK");
  }
}

const DENIED = "42501";
const READABLE = "SELECT id, email FROM tenant_acme.auth";
const rows = [{ id: "1", email: "a@b" }];

describe("a reader sees", () => {
  test.each(["reader_ana", "reader_bo", "reader_cem"] as const)(
    "what is no credential: %s",
    async (reader) => {
      expect(await outcome(readers[reader], READABLE)).toEqual(rows);
      expect(await outcome(readers[reader], 'SELECT id FROM tenant_acme."user"')).toEqual([{ id: "1" }]);
    },
  );

  test("every tenant of every cluster, or the one it was given", async () => {
    const statement = "SELECT id, email FROM tenant_rival.auth";
    expect(await outcome(readers.reader_ana, statement)).toEqual(rows);
    expect(await outcome(readers.reader_bo, statement)).toBe(DENIED);
    expect(await outcome(readers.reader_cem, statement)).toBe(DENIED);
  });

  test("a credential that was granted to it by name, and no other reader does", async () => {
    const statement = "SELECT password FROM tenant_acme.auth";
    expect(await outcome(readers.reader_cem, statement)).toEqual([{ password: "$2b$hash" }]);
    expect(await outcome(readers.reader_ana, statement)).toBe(DENIED);
    expect(await outcome(readers.reader_bo, statement)).toBe(DENIED);
  });

  test("by the catalogue which columns it may ask for", async () => {
    const statement = `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = 'tenant_acme' AND table_name = 'user' ORDER BY 1`;
    expect(await outcome(readers.reader_bo, statement)).toEqual([{ name: "email" }, { name: "id" }]);
  });
});

describe("a reader is refused", () => {
  const statements = [
    "SELECT * FROM tenant_acme.auth",
    "SELECT password FROM tenant_acme.auth",
    "SELECT 1 FROM tenant_acme.auth WHERE password LIKE '$2b$%'",
    "SELECT count(*) FROM tenant_acme.auth GROUP BY password",
    "SELECT a FROM tenant_acme.auth AS a",
    "SELECT to_json(a) FROM tenant_acme.auth AS a",
    "TABLE tenant_acme.auth",
    "COPY tenant_acme.auth TO STDOUT",
    "COPY tenant_acme.auth (password) TO STDOUT",
    'SELECT api_key FROM tenant_acme."user"',
    'SELECT settings FROM tenant_acme."user"',
    'SELECT oauth FROM tenant_acme."user"',
    "SELECT _replica_odd FROM tenant_acme.auth",
    "SELECT _replica_digest FROM tenant_acme.auth",
    "SELECT * FROM tenant_acme._replica_tombstones",
    "SELECT id FROM tenant_acme._replica_tombstones",
    "SELECT * FROM sync_metadata.replicas",
    "SELECT * FROM sync_metadata.readers",
    "SELECT * FROM sync_metadata.client_deployments",
    "INSERT INTO tenant_acme.auth (id) VALUES ('2')",
    "UPDATE tenant_acme.auth SET email = ''",
    "DELETE FROM tenant_acme.auth",
    "TRUNCATE tenant_acme.auth",
    "SELECT id FROM tenant_acme.auth FOR UPDATE",
    "LOCK TABLE tenant_acme.auth IN SHARE MODE",
    "DROP TABLE tenant_acme.auth",
    "ALTER TABLE tenant_acme.auth ADD COLUMN more text",
    "CREATE TABLE tenant_acme.more (id text)",
    "CREATE TABLE public.more (id text)",
    "CREATE TEMPORARY TABLE more (id text)",
    "CREATE SCHEMA more",
    "CREATE VIEW tenant_acme.more AS SELECT 1",
    "SET ROLE fleet_owner",
    "SET ROLE sync_service",
    "SET ROLE sync_main",
    "SET SESSION AUTHORIZATION sync_main",
    "GRANT fleet_reader TO reader_bo",
    "GRANT SELECT (password) ON tenant_acme.auth TO reader_bo",
    "SELECT sync_metadata.own_cluster()",
    "SELECT sync_metadata.make_tenant_schema('acme')",
    "SELECT sync_metadata.define_tables('acme', '[]')",
    "SELECT sync_metadata.retire_table('acme', 'auth')",
    "SELECT sync_metadata.grant_readers('acme')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
  ];
  describe.each(["reader_ana", "reader_bo"] as const)("%s:", (reader) => {
    test.each(statements)("%s", async (statement) => {
      expect(await outcome(readers[reader], statement)).toBe(DENIED);
    });
  });

  test("what one that was granted a credential may not do either", async () => {
    for (const statement of statements.filter((one) => !one.includes("password")))
      expect([statement, await outcome(readers.reader_cem, statement)]).toEqual([statement, DENIED]);
  });

  test("the most common values of a denied column, which the planner's statistics keep", async () => {
    await admin.query("ANALYZE tenant_acme.auth");
    const statement =
      "SELECT attname FROM pg_stats WHERE schemaname = 'tenant_acme' AND tablename = 'auth' ORDER BY 1";
    expect(await outcome(readers.reader_bo, statement)).toEqual([{ attname: "email" }, { attname: "id" }]);
  });

  test("a dump of a tenant's replica", () => {
    const { host, port, database: name } = database.credentials("reader_bo");
    const uri = `postgresql://reader_bo:${encodeURIComponent("password of bo")}@${host}:${port}/${name}`;
    const { status, stderr } = spawnSync(
      "docker",
      ["run", "--rm", "--network", "host", "postgres:15-bookworm", "pg_dump", "--schema", "tenant_acme", uri],
      { encoding: "utf8" },
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain("permission denied");
  });

  test("every right to write, wherever it looks", async () => {
    const { rows: held } = await admin.query(`
      SELECT c.oid::regclass::text AS thing, p AS privilege
      FROM pg_class AS c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p
      WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace <> 'pg_catalog'::regnamespace
        AND has_table_privilege('reader_cem', c.oid, p)
      UNION ALL
      SELECT n.nspname, p FROM pg_namespace AS n, unnest(ARRAY['CREATE']) AS p
      WHERE n.nspname NOT LIKE 'pg\\_t%' AND has_schema_privilege('reader_cem', n.oid, p)
      UNION ALL
      SELECT p, p FROM unnest(ARRAY['CREATE', 'TEMPORARY']) AS p
      WHERE has_database_privilege('reader_cem', current_database(), p)
      UNION ALL
      SELECT p.proname, 'EXECUTE' FROM pg_proc AS p
      WHERE p.pronamespace = 'sync_metadata'::regnamespace AND has_schema_privilege('reader_cem', 'sync_metadata', 'USAGE')
        AND has_function_privilege('reader_cem', p.oid, 'EXECUTE')
    `);
    expect(held).toEqual([]);
  });
});

describe("when the source changes its shape, in the same transaction", () => {
  const visible = async (table: string): Promise<string[]> =>
    (
      await admin.query(
        `SELECT a.attname AS name FROM pg_attribute AS a
         WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND has_column_privilege('reader_bo', a.attrelid, a.attnum, 'SELECT') ORDER BY 1`,
        [`tenant_acme.${table}`],
      )
    ).rows.map(({ name }) => name);

  test("a harmless new column is visible, one that is called like a credential is not", async () => {
    await define(sync, "acme", "later", ["id", "email"]);
    await define(sync, "acme", "later", [
      ...[
        "id",
        "email",
        "nickname",
        "api_token",
        "refresh_token_id",
        "clientSecret",
        "totp_secret",
        "last_used_at",
      ],
    ]);
    expect(await visible("later")).toEqual(["email", "id", "last_used_at", "nickname", "refresh_token_id"]);
  });

  test("a new table follows, and one that is called like a safe shows nothing but ids and times", async () => {
    await define(sync, "acme", "user_credential", ["id", "user_id", "value", "created_at"]);
    expect(await visible("user_credential")).toEqual(["created_at", "id", "user_id"]);
  });

  test("whatever a table of credentials or a history brings later is not visible", async () => {
    await define(sync, "acme", "auth", ["id", "email", "password", "recovery", "last_login_at"]);
    await define(sync, "acme", "app_history", ["id", "snapshot", "commit_message"]);
    expect(await visible("auth")).toEqual(["email", "id", "last_login_at"]);
    expect(await visible("app_history")).toEqual(["commit_message", "id"]);
    await define(sync, "acme", "auth", ["id", "email", "password"]);
  });

  test("a column made anew with another type keeps its readers", async () => {
    await define(sync, "acme", "retyped", ["id", "amount"]);
    await define(sync, "acme", "retyped", ["id", "amount"], "bigint");
    expect(await visible("retyped")).toEqual(["amount", "id"]);
  });

  test.each([
    ['"; GRANT ALL ON ALL TABLES IN SCHEMA tenant_acme TO PUBLIC; --'],
    ["x) ON tenant_acme.auth TO PUBLIC; --"],
    ["%I %s"],
    ["name"],
  ])("a hostile tenant that names table and columns %j gains nothing", async (name) => {
    const before = await grants();
    await sync.query("BEGIN");
    await define(sync, "acme", name, ["id", name]);
    const after = await grants();
    await sync.query("ROLLBACK");
    expect(after).toEqual(before);
  });

  /** Rights on everything but the table in question. */
  const grants = async () =>
    (
      await sync.query(
        `SELECT c.relname, c.relacl::text, a.attname, a.attacl::text FROM pg_class AS c
         JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'tenant_acme'::regnamespace AND c.relname IN ('auth', 'user', '_replica_tombstones')
         ORDER BY 1, 3`,
      )
    ).rows;
});

describe("when the config changes", () => {
  test("a reader that left it loses what it was granted by name, and gets it back", async () => {
    const statement = "SELECT password FROM tenant_acme.auth";
    const without = await database.apply(intentOf(["acme"], { readers: READERS.slice(0, 2) }));
    expect(without.changed.readers).toEqual([{ id: "reader_cem", change: "removed" }]);
    expect(await outcome(readers.reader_cem, statement)).toBe(DENIED);
    const back = await database.apply(intentOf(["acme"], { readers: READERS }));
    expect(back.changed.readers).toEqual([{ id: "reader_cem", change: "added" }]);
    expect(await outcome(readers.reader_cem, statement)).toEqual([{ password: "$2b$hash" }]);
  });

  test("a tenant that left it is read by those who read all, and nobody's own any more", async () => {
    await database.apply(intentOf([], { readers: READERS }));
    expect(await outcome(readers.reader_bo, READABLE)).toBe(DENIED);
    expect(await outcome(readers.reader_ana, READABLE)).toEqual(rows);
    await database.apply(intentOf(["acme"], { readers: READERS }));
    expect(await outcome(readers.reader_bo, READABLE)).toEqual(rows);
  });

  test("again with nothing different nothing is granted anew", async () => {
    const versions = async () =>
      (
        await admin.query(
          "SELECT attrelid, attnum, xmin FROM pg_attribute WHERE attacl IS NOT NULL ORDER BY 1, 2",
        )
      ).rows;
    const before = await versions();
    await database.apply(intentOf(["acme"], { readers: READERS }));
    expect(await versions()).toEqual(before);
  });

  test("a right that somebody granted beside it is taken back", async () => {
    await admin.query("GRANT SELECT (password) ON tenant_acme.auth TO fleet_reader");
    await database.apply(intentOf(["acme"], { readers: READERS }));
    expect(await outcome(readers.reader_ana, "SELECT password FROM tenant_acme.auth")).toBe(DENIED);
  });

  test("a reader whose login does not exist is refused", async () => {
    const intent = intentOf(["acme"], { readers: [{ role: "reader_nobody", tenants: null, columns: [] }] });
    await expect(database.apply(intent)).rejects.toThrow(
      "No login role that is a member of fleet_analyst: reader_nobody. Nothing was changed; " +
        "no analyst could have connected. Let the stack's SyncDatabase make it first.",
    );
  });
});

describe("of what real versions keep, readers are denied", () => {
  const SCHEMAS = new URL("../../support/schemas/", import.meta.url);

  /** Every column any version has, as table.column. */
  function columnsOfAllVersions(): string[] {
    const found = new Set<string>();
    for (const file of readdirSync(SCHEMAS).filter((name) => name.endsWith(".sql"))) {
      const schema = new DatabaseSync(":memory:");
      schema.exec(readFileSync(new URL(file, SCHEMAS), "utf8"));
      const columns = schema.prepare(
        "SELECT m.name AS t, c.name AS c FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'",
      );
      for (const { t, c } of columns.all()) found.add(`${t}.${c}`);
      schema.close();
    }
    return [...found].sort();
  }

  test("exactly these columns, so that a new one is a decision", async () => {
    const { rows: denied } = await admin.query(
      `SELECT n FROM unnest($1::text[]) AS n
       WHERE sync_metadata.is_credential(split_part(n, '.', 1), split_part(n, '.', 2)) ORDER BY n COLLATE "C"`,
      [columnsOfAllVersions()],
    );
    expect(denied.map(({ n }) => n)).toEqual([
      "api_key.data",
      "api_key.key",
      "app.api_key",
      "app.data",
      "auth.mfa",
      "auth.password",
      "auth.session_stamp",
      "channel_webhook.token",
      "chat.variables",
      "config.data",
      "config.value",
      "config_old.data",
      "function.content",
      "function.valves",
      "function_history.snapshot",
      "model.params",
      "model_history.snapshot",
      "oauth_session.token",
      "tool.content",
      "tool.valves",
      "tool_history.snapshot",
      "user.api_key",
      "user.info",
      "user.oauth",
      "user.oauth_sub",
      "user.scim",
      "user.settings",
      "user.variables",
    ]);
  });
});
