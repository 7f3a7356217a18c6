import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

const cluster = ClusterDatabase.forEach(intentOf(["acme", "globex"]));
const RUN = randomUUID();
const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;

interface User {
  email: string | null;
  last_active_at: string | number | null;
  role?: string;
}

/** Makes a tenant's table of users, as a first sync would. */
const define = async (tenant: string, columns: [name: string, type: string][] = SHAPE) => {
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
  const table = {
    name: "user",
    columns: columns.map(([name, type]) => ({ name, type })),
    key: ["id"],
    ddl: [""],
  };
  await cluster.sync.query("SELECT * FROM sync_metadata.define_tables($1, $2)", [
    tenant,
    JSON.stringify([table]),
  ]);
};
const SHAPE: [string, string][] = [
  ["id", "text"],
  ["email", "text"],
  ["role", "text"],
  ["last_active_at", "bigint"],
];
let syncs = 0;
/** What a sync does that found these users and no others: rows, and then the sum that record-sync.sql writes. */
const synced = async (tenant: string, users: User[]) => {
  await cluster.admin.query(`DELETE FROM tenant_${tenant}."user"`);
  for (const [index, { email, last_active_at, role = "user" }] of users.entries())
    await cluster.admin.query(
      `INSERT INTO tenant_${tenant}."user" (id, email, role, last_active_at) VALUES ($1, $2, $3, $4)`,
      [`${tenant}-${index}`, email, role, last_active_at],
    );
  syncs += 1;
  await cluster.sync.query("UPDATE sync_metadata.replica_tables SET rows = $2, sum = $3 WHERE tenant = $1", [
    tenant,
    users.length,
    `${syncs}`,
  ]);
};
const counted = async () =>
  Object.fromEntries(
    (await cluster.ask("active-users")).map(({ tenant, users }) => [tenant ?? "all", Number(users)]),
  );
const prune = async (epoch = "1") => (await cluster.ask("prune-active-users", [RUN, epoch]))[0].pruned;

beforeEach(() => Promise.all([define("acme"), define("globex")]));

test("a person is counted once over all tenants, however the address is written", async () => {
  await synced("acme", [
    { email: "ada@x.example", last_active_at: NOW },
    { email: "bob@x.example", last_active_at: NOW },
  ]);
  await synced("globex", [{ email: " ADA@X.example ", last_active_at: NOW - 5 * DAY }]);
  expect(await counted()).toEqual({ all: 2, acme: 2, globex: 1 });
});

test("who was deleted counts until 30 days have passed, and is then forgotten", async () => {
  await cluster.sync.query(query("beat"), ["main", "a", RUN, 60]);
  await synced("acme", [
    { email: "ada@x.example", last_active_at: NOW },
    { email: "bob@x.example", last_active_at: NOW },
  ]);
  await synced("acme", [{ email: "bob@x.example", last_active_at: NOW }]);
  expect(await counted()).toMatchObject({ all: 2, acme: 2 });
  await cluster.admin.query("UPDATE sync_metadata.active_users SET active_at = now() - interval '31 days'");
  expect(await counted()).toMatchObject({ all: 0, acme: 0 });
  expect(await prune("2")).toBeNull();
  expect(await prune()).toBe("2");
});

test("a later use moves the 30 days on, an earlier one does not take them back", async () => {
  await synced("acme", [{ email: "ada@x.example", last_active_at: NOW - 20 * DAY }]);
  await synced("acme", [{ email: "ada@x.example", last_active_at: NOW }]);
  await synced("acme", [{ email: "ada@x.example", last_active_at: NOW - 25 * DAY }]);
  const { rows } = await cluster.admin.query(
    "SELECT active_at > now() - interval '1 day' AS recent FROM sync_metadata.active_users",
  );
  expect(rows).toEqual([{ recent: true }]);
});

describe("a user", () => {
  test.each([
    ["of today, in seconds", NOW, 1],
    ["of today, in milliseconds", `${NOW}000`, 1],
    ["of today, in microseconds", `${NOW}000000`, 1],
    ["of today, in nanoseconds", `${NOW}000000000`, 1],
    ["of 29 days ago", NOW - 29 * DAY, 1],
    ["of 31 days ago", NOW - 31 * DAY, 0],
    ["of 31 days ago, in nanoseconds", `${NOW - 31 * DAY}000000000`, 0],
    ["of the future, who counts as of now", "9223372036854775807", 1],
    ["who never came", null, 0],
    ["of before time", -1, 0],
    ["of no time", 0, 0],
  ])("%s is counted %s as %d", async (_, last_active_at, count) => {
    await synced("acme", [{ email: "ada@x.example", last_active_at }]);
    expect(await counted()).toMatchObject({ all: count, acme: count });
    const { rows } = await cluster.admin.query(
      "SELECT FROM sync_metadata.active_users WHERE active_at > clock_timestamp()",
    );
    expect(rows).toEqual([]);
  });

  test("who waits for approval is none", async () => {
    await synced("acme", [{ email: "ada@x.example", last_active_at: NOW, role: "pending" }]);
    expect(await counted()).toMatchObject({ all: 0 });
  });

  test("without an address is known by the id", async () => {
    await synced("acme", [
      { email: null, last_active_at: NOW },
      { email: null, last_active_at: NOW },
    ]);
    expect(await counted()).toMatchObject({ all: 2 });
  });
});

test("a table of users that is none ends no sync", async () => {
  await cluster.database.apply(intentOf(["acme", "globex", "odd", "bare"]));
  await define("odd", [
    ["id", "bytea"],
    ["last_active_at", "json"],
  ]);
  await define("bare", [["id", "text"]]);
  await cluster.admin.query(
    `INSERT INTO tenant_odd."user" (id, last_active_at) VALUES ('\\x00ff', '{"a": 1}'), (NULL, '1e400'), ('\\x01', '${NOW}')`,
  );
  for (const tenant of ["odd", "bare"])
    await cluster.sync.query("UPDATE sync_metadata.replica_tables SET sum = 'x' WHERE tenant = $1", [tenant]);
  expect(await counted()).toMatchObject({ all: 1, odd: 1, bare: 0 });
});

test("nobody can be read from it: no login sees hashes or the salt, and the salt is another in each database", async () => {
  await synced("acme", [{ email: "ada@x.example", last_active_at: NOW }]);
  for (const table of ["active_users", "person_salt"])
    await expect(cluster.sync.query(`SELECT FROM sync_metadata.${table}`)).rejects.toMatchObject({
      code: "42501",
    });
  const { rows } = await cluster.admin.query(
    "SELECT a.person = sha256('ada@x.example') AS plain FROM sync_metadata.active_users AS a",
  );
  expect(rows).toEqual([{ plain: false }]);
});

test("another cluster's tenants are counted in all, and not named", async () => {
  const other = await cluster.database.connect("sync_other");
  await cluster.database.apply(
    intentOf(["rival"], { cluster: "other", logins: [{ role: "sync_other", cluster: "other" }] }),
  );
  await synced("acme", [{ email: "ada@x.example", last_active_at: NOW }]);
  const { rows } = await other.query(query("active-users"));
  expect(rows.map(({ tenant, users }) => [tenant, Number(users)])).toEqual([
    [null, 1],
    ["rival", 0],
  ]);
});

test("a basis that holds for so many users is said beside the count", async () => {
  const intent = intentOf(["acme", "globex"]);
  await cluster.database.apply({
    ...intent,
    tenants: intent.tenants.map((each) =>
      each.id === "acme" ? { ...each, licence: { basis: "up-to-50-users", users: 50 } } : each,
    ),
  });
  expect(await cluster.ask("active-users")).toMatchObject([
    { tenant: null, basis: null, covered: null },
    { tenant: "acme", basis: "up-to-50-users", covered: 50 },
    { tenant: "globex", basis: null, covered: null },
  ]);
});
