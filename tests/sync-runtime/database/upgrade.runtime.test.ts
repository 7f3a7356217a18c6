import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, readMigrations } from "../../../sync-runtime/database/migrator.ts";
import { Checker } from "../../support/checker.ts";
import { until } from "../../support/fleet/until.ts";
import { NodeProcess } from "../../support/node-process.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";
import { TestFleet } from "../node/fleet.ts";

let fleet: TestFleet;
const checker = Checker.start();
beforeAll(async () => {
  fleet = await TestFleet.start(["acme"], 50);
  await fleet.startNode("a");
});
afterAll(async () => {
  checker[Symbol.dispose]();
  await fleet?.[Symbol.asyncDispose]();
});

/**
 * A database whose schema is as old as that, holding the replica that the fleet's own holds now, as its nodes left it.
 * @param state in which tenants began then
 */
async function formerDatabase(version: number, state: string): Promise<TestDatabase> {
  const former = await TestDatabase.createEmpty();
  const owner = await former.connect("fleet_admin");
  await owner.query("SET ROLE fleet_owner");
  await migrate(owner, readMigrations().slice(0, version));
  await owner.query(`
    INSERT INTO sync_metadata.hosts (cluster, id, agent_address, agent_identity) VALUES ('main', 'local', 'x:1', 'x');
    INSERT INTO sync_metadata.client_deployments (id, cluster, host, url, sync_interval, state)
    VALUES ('acme', 'main', 'local', 'x', '1 hour', '${state}');
    INSERT INTO sync_metadata.cluster_logins VALUES ('sync_main', 'main')`);
  const login = await former.connect("sync_main");
  await login.query("SELECT sync_metadata.make_tenant_schema('acme')");
  const { rows } = await fleet.admin.query(
    "SELECT json_agg(json_build_object('name', name, 'columns', columns, 'key', key, 'ddl', array[ddl])) AS tables FROM sync_metadata.replica_tables",
  );
  await login.query("SELECT sync_metadata.define_tables('acme', $1)", [JSON.stringify(rows[0].tables)]);
  for (const { name } of rows[0].tables) await copyTable(`tenant_acme.${pg.escapeIdentifier(name)}`, login);
  const admin = await former.connect("postgres");
  await copyKnown(admin, "replica_tables", "name");
  await copyKnown(admin, "replicas", "tenant");
  return former;
}

/** Copies what somebody wrote into a table, as nodes do: what Postgres computes is computed anew. */
async function copyTable(table: string, login: pg.Client): Promise<void> {
  const { rows } = await login.query(
    `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`,
    [table],
  );
  const { columns } = rows[0];
  await pipeline(
    fleet.admin.query(copyTo(`COPY (SELECT ${columns} FROM ${table}) TO STDOUT`)),
    login.query(copyFrom(`COPY ${table} (${columns}) FROM STDIN`)),
  );
}

/** Brings rows of the fleet's state to what they are now, as far as they had those columns then. */
async function copyKnown(admin: pg.Client, table: string, key: string): Promise<void> {
  const { rows } = await admin.query(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
       AND attname NOT IN ('tenant', 'cluster', 'name')`,
    [`sync_metadata.${table}`],
  );
  const columns = rows.map(({ name }) => `${name} = now_known.${name}`).join(", ");
  const { rows: known } = await fleet.admin.query(
    `SELECT to_json(t) AS row FROM sync_metadata.${table} AS t`,
  );
  for (const { row } of known)
    await admin.query(
      `UPDATE sync_metadata.${table} AS t SET ${columns}
       FROM json_populate_record(null::sync_metadata.${table}, $1) AS now_known WHERE t.${key} = now_known.${key}`,
      [JSON.stringify(row)],
    );
}

test.each([
  [20, "active"],
  [34, "provisioning"],
])(
  "a filled replica under schema version %i is migrated, synced on from where it was, and equal",
  async (version, state) => {
    expect(await fleet.sync("acme")).toMatchObject({ error: null });
    await using former = disposable(await formerDatabase(version, state));
    const { database } = former;
    const intent = intentOf(["acme"]);
    const agent = { address: `127.0.0.1:${fleet.agent.port}`, identity: "urn:owui:agent:local" };
    const { migrated } = await database.apply({ ...intent, hosts: [{ id: "local", agent }] });
    expect(migrated).toEqual(
      readMigrations()
        .slice(version)
        .map(({ name }) => name),
    );
    {
      using source = fleet.source("acme");
      source.exec(
        `UPDATE chat SET title = 'since version ${version}' WHERE id IN (SELECT id FROM chat LIMIT 3)`,
      );
      source.exec("DELETE FROM chat WHERE id IN (SELECT id FROM chat ORDER BY id DESC LIMIT 2)");
    }
    await using node = await NodeProcess.start({ database, authority: fleet.agent.authority, node: "a" });
    const admin = await database.connect("postgres");
    const nextJob = async (reason: string) =>
      until(`the job ${reason} has ended`, async () => {
        const { rows } = await admin.query(
          `SELECT kind, status, error, rows::int, differing FROM sync_metadata.sync_jobs
         WHERE kind = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`,
          [reason],
        );
        return rows[0];
      });
    // A delta against the sync that the former schema's replica was committed at: a handful of rows, not all of them.
    const synced = await nextJob("sync");
    expect(synced).toMatchObject({ status: "success", error: null });
    expect(synced.rows).toBeLessThan(20);
    await checker.requireEqual(fleet.agent.path("tenants", "acme", "data", "webui.db"), database, "acme");
    await node.ask("POST", "/api/v1/sync/verify/acme", await node.token("operate"));
    expect(await nextJob("verify")).toMatchObject({
      status: expect.stringMatching(/success|unchanged/),
      error: null,
    });
    const { rows } = await admin.query(
      "SELECT count(*)::int AS differences FROM sync_metadata.replica_differences",
    );
    expect(rows).toEqual([{ differences: 0 }]);
  },
);

const disposable = (database: TestDatabase) => ({ database, [Symbol.asyncDispose]: () => database.drop() });
