import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OLDEST_MS } from "../../../../sync-runtime/node/recent-answers.ts";
import { intentOf, TestDatabase } from "../../../support/postgres.ts";
import { ApiPair } from "./api-pair.ts";

/** As many as a node pair is made for. */
const TENANTS = 1000;
const TABLES = 43;
const ids = Array.from({ length: TENANTS }, (_, nth) => `tenant-${nth}`);

let database: TestDatabase;
let pair: ApiPair;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(intentOf(ids));
  // As after their first syncs; the bookkeeping alone, since a status looks at nothing else.
  await database.queryAlone(
    `INSERT INTO sync_metadata.replicas (tenant, cluster, verified_at, equal)
     SELECT d.id, d.cluster, NULL, false FROM sync_metadata.client_deployments AS d
     ON CONFLICT (tenant) DO NOTHING`,
  );
  await database.queryAlone(
    `SET session_replication_role = replica;
     INSERT INTO sync_metadata.replica_tables (tenant, cluster, name, columns, ddl, rows, sum)
     SELECT r.tenant, r.cluster, 'table ' || n, '[]', ARRAY[repeat('ddl ', 300)], n, 'x'
     FROM sync_metadata.replicas AS r, generate_series(1, ${TABLES}) AS n;
     UPDATE sync_metadata.replicas SET tables = ${TABLES}, rows = ${(TABLES * (TABLES + 1)) / 2}`,
  );
  await database.queryAlone(
    `INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, started_at, finished_at)
     SELECT d.cluster, d.id, 'interval', 'unchanged', now(), now(), now()
     FROM sync_metadata.client_deployments AS d, generate_series(1, 20)`,
  );
  await database.queryAlone("VACUUM ANALYZE");
  pair = new ApiPair(database);
});
afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await database?.drop();
});

test("totals are what the tables hold, whatever is added, verified anew, or dropped", async () => {
  const total = async () =>
    (await database.queryAlone("SELECT tables, rows FROM sync_metadata.replicas WHERE tenant = 'tenant-7'"))
      .rows[0];
  expect(await total()).toEqual({ tables: TABLES, rows: String((TABLES * (TABLES + 1)) / 2) });
  await database.queryAlone(
    "UPDATE sync_metadata.replica_tables SET rows = rows + 10 WHERE tenant = 'tenant-7' AND name IN ('table 1', 'table 2')",
  );
  expect(await total()).toEqual({ tables: TABLES, rows: String((TABLES * (TABLES + 1)) / 2 + 20) });
  await database.queryAlone(
    "DELETE FROM sync_metadata.replica_tables WHERE tenant = 'tenant-7' AND name = 'table 43'",
  );
  expect(await total()).toEqual({ tables: 42, rows: String((42 * 43) / 2 + 20) });
  // One that was never verified holds nothing that is known.
  await database.queryAlone(
    "UPDATE sync_metadata.replica_tables SET sum = NULL, rows = NULL WHERE tenant = 'tenant-7' AND name = 'table 1'",
  );
  expect((await total()).tables).toBe(41);
});

test("a status of a thousand tenants reads no table's row", async () => {
  const { status, json } = await pair.ask(0, "GET", "/api/v1/sync/status?limit=1000");
  expect([status, json.tenants.length]).toEqual([200, TENANTS]);
  expect(json.tenants.find(({ id }: { id: string }) => id === "tenant-8").replica.tables).toBe(TABLES);
  const { rows } = await database.queryAlone(
    "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS scans FROM pg_stat_user_tables WHERE relname = 'replica_tables'",
  );
  const took: number[] = [];
  for (let nth = 0; nth < 100; nth += 1) {
    // So that none is told again.
    pair.later(OLDEST_MS + 1);
    const began = performance.now();
    await pair.ask((nth % 2) as 0 | 1, "GET", "/api/v1/sync/status?limit=1000");
    took.push(performance.now() - began);
  }
  took.sort((a, b) => a - b);
  console.log(
    `status of ${TENANTS} tenants: median ${took[50]?.toFixed(1)} ms, p99 ${took[98]?.toFixed(1)} ms`,
  );
  await database.queryAlone("SELECT pg_stat_force_next_flush()");
  const after = await database.queryAlone(
    "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) AS scans FROM pg_stat_user_tables WHERE relname = 'replica_tables'",
  );
  expect(after.rows).toEqual(rows);
});

test("a long list is told again within a second, but never behind a write of the same node", async () => {
  const LIST = "/api/v1/sync/status?limit=100";
  const paused = async (node: 0 | 1) =>
    (await pair.ask(node, "GET", LIST)).json.tenants.find(({ id }: { id: string }) => id === "tenant-10")
      .paused;
  const move = (what: string) => pair.ask(0, "POST", `/api/v1/sync/${what}/tenant-10`);
  expect([await paused(0), await paused(1)]).toEqual([false, false]);
  expect((await move("pause")).status).toBe(200);
  expect([await paused(0), await paused(1)]).toEqual([true, false]);
  pair.later(OLDEST_MS + 1);
  expect(await paused(1)).toBe(true);
  expect((await move("resume")).status).toBe(200);
  expect(await paused(0)).toBe(false);
  pair.later(OLDEST_MS + 1);
});

describe("a status in pages", () => {
  const page = async (search: string) => {
    const { json } = await pair.ask(0, "GET", `/api/v1/sync/status${search}`);
    return { ids: json.tenants.map(({ id }: { id: string }) => id) as string[], next: json.next };
  };

  test("names every tenant once, in the order of the ids", async () => {
    const seen: string[] = [];
    for (let at = await page("?limit=300"); ; at = await page(`?limit=300&after=${at.next}`)) {
      seen.push(...at.ids);
      if (at.next === null) break;
      expect(at.ids).toHaveLength(300);
    }
    expect(seen).toEqual(ids.toSorted());
  });

  test("has fifty where nobody says how many, and ends where the last tenant is the page's last", async () => {
    expect((await page("")).ids).toHaveLength(50);
    expect(await page(`?limit=${TENANTS}`)).toMatchObject({ next: null });
    expect(await page("?after=tenant-999")).toEqual({ ids: [], next: null });
  });

  test("is of one tenant, where one is named", async () => {
    expect(await page("?client=tenant-7")).toEqual({ ids: ["tenant-7"], next: null });
    expect(await page("?client=nobody")).toEqual({ ids: [], next: null });
  });

  test.each(["after=%27", "after=Tenant", "client=", "limit=1001"])("with %s is refused", async (search) => {
    expect((await pair.ask(0, "GET", `/api/v1/sync/status?${search}`)).status).toBe(400);
  });
});
