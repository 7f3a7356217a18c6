import { randomUUID } from "node:crypto";
import type pg from "pg";
import { beforeEach, describe, expect, test } from "vitest";
import type { Intent } from "../../../sync-runtime/database/intent.ts";
import { migrate, readMigrations } from "../../../sync-runtime/database/migrator.ts";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { until } from "../../support/fleet/until.ts";
import { intentOf, RIVAL, TestDatabase } from "../../support/postgres.ts";

type Declared = Intent["tenants"][number];

/** The tenant that a test moves: no other does. */
let tenant: string;
const tenants = Array.from({ length: 60 }, (_, index) => `tenant-${index}`);
const unused = [...tenants];

const cluster = ClusterDatabase.forAll(intentOf(tenants));
beforeEach(() => {
  tenant = unused.pop() as string;
});

const MOVE = "SELECT sync_metadata.transition($1, $2, $3, $4, $5) AS moved";
const move = async (from: string, to: string, { client = cluster.sync, id = tenant } = {}) =>
  (await client.query(MOVE, [id, from, to, "ana", "a test"])).rows[0].moved as string | null;
const stateOf = async (id = tenant) =>
  (await cluster.admin.query("SELECT state FROM sync_metadata.client_deployments WHERE id = $1", [id]))
    .rows[0]?.state as string;
const movesOf = async (id = tenant) =>
  (
    await cluster.admin.query(
      "SELECT from_state AS from, to_state AS to, actor, reason, login FROM sync_metadata.transitions WHERE tenant = $1 ORDER BY id",
      [id],
    )
  ).rows;
/** Declares all tenants as they were, but one. */
const declare = (declared: { paused?: boolean; gone?: boolean } = {}) => {
  const intent = intentOf(tenants);
  return cluster.database.apply({
    ...intent,
    tenants: intent.tenants
      .filter(({ id }) => id !== tenant || !declared.gone)
      .map((each) => (each.id === tenant ? { ...each, paused: declared.paused ?? false } : each)),
  });
};
/** What a verified sync records. */
const verify = async () => {
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
  await cluster.sync.query(
    "UPDATE sync_metadata.replicas SET verified_at = clock_timestamp(), equal = true WHERE tenant = $1",
    [tenant],
  );
};

const STATES = ["provisioning", "active", "paused", "migrating", "retired", "erased"];

/** Brings the tenant to a state by moves of the stack's. */
async function bringTo(state: string, verified: boolean): Promise<void> {
  if (verified) await verify();
  const awake = verified ? "active" : "provisioning";
  const ways: Record<string, string[]> = {
    paused: ["paused"],
    migrating: ["paused", "migrating"],
    retired: ["retired"],
    erased: ["retired", "erased"],
  };
  let from = awake;
  for (const to of ways[state] ?? []) {
    await move(from, to, { client: cluster.admin });
    from = to;
  }
  expect(await stateOf()).toBe(state);
}

describe("a move", () => {
  test("changes the state and is recorded with who wanted it, why, and which role connected", async () => {
    expect(await move("provisioning", "paused")).not.toBeNull();
    expect(await stateOf()).toBe("paused");
    expect(await movesOf()).toEqual([
      {
        ...{ from: null, to: "provisioning", actor: "up", reason: "the config declares it" },
        login: "fleet_admin",
      },
      { from: "provisioning", to: "paused", actor: "ana", reason: "a test", login: "sync_main" },
    ]);
  });

  test("from a state that the tenant is not in does nothing and says so", async () => {
    expect(await move("active", "paused")).toBeNull();
    expect(await stateOf()).toBe("provisioning");
    expect(await movesOf()).toHaveLength(1);
  });

  test("that is rolled back leaves neither state nor record", async () => {
    await cluster.sync.query("BEGIN");
    await move("provisioning", "paused");
    await cluster.sync.query("ROLLBACK");
    expect(await stateOf()).toBe("provisioning");
    expect(await movesOf()).toHaveLength(1);
  });

  test("wanted by two operators at once is made by one of them", async () => {
    const second = await cluster.database.connect("sync_main");
    await cluster.sync.query("BEGIN");
    expect(await move("provisioning", "paused")).not.toBeNull();
    const late = move("provisioning", "paused", { client: second });
    await somebodyWaits();
    await cluster.sync.query("COMMIT");
    expect(await late).toBeNull();
    expect(await movesOf()).toHaveLength(2);
  });
});

describe("a move that no line of legal_moves has is refused to everybody, and one of the stack's to a node:", () => {
  const cases = STATES.flatMap((from) => [true, false].map((verified) => ({ from, verified })))
    .filter(({ from, verified }) => from !== (verified ? "provisioning" : "active"))
    // Nothing is left of an erased tenant's replica.
    .filter(({ from, verified }) => from !== "erased" || !verified);

  test.each(cases)("from $from, verified: $verified", async ({ from, verified }) => {
    const { rows } = await cluster.admin.query(
      "SELECT * FROM sync_metadata.legal_moves WHERE from_state = $1",
      [from],
    );
    await bringTo(from, verified);
    for (const to of STATES) {
      const legal = rows.find(({ to_state }) => to_state === to);
      const fits = legal && (legal.verified === null || legal.verified === verified);
      expect([to, await outcome(from, to, cluster.admin)]).toEqual([to, fits ? "moved" : "23514"]);
      const byNode = legal && !legal.by_nodes ? "42501" : fits ? "moved" : "23514";
      expect([to, await outcome(from, to, cluster.sync)]).toEqual([to, byNode]);
    }
  });

  /** How a move ends, which is then undone. */
  async function outcome(from: string, to: string, client: pg.Client): Promise<string> {
    await client.query("BEGIN");
    try {
      return (await move(from, to, { client })) === null ? "not moved" : "moved";
    } catch (error) {
      return (error as pg.DatabaseError).code ?? "";
    } finally {
      await client.query("ROLLBACK");
    }
  }
});

describe("a tenant whose live database is a Postgres", () => {
  const url = "postgresql://owui@db.example.com/acme";
  const ask = async (name: string, values: unknown[]) => (await cluster.sync.query(query(name), values)).rows;
  const promoted = (database?: string) =>
    cluster.database.apply({
      ...intentOf(tenants),
      tenants: intentOf(tenants).tenants.map((each) =>
        each.id === tenant ? { ...each, ...(database ? { database, paused: true } : {}) } : each,
      ),
    });

  test("is paused with that as the reason, is told so, and comes back as it was", async () => {
    await verify();
    expect(await stateOf()).toBe("active");
    await promoted(url);
    expect(await stateOf()).toBe("paused");
    expect((await movesOf()).at(-1)).toMatchObject({
      actor: "up",
      reason: "its live database is a Postgres",
    });
    expect((await ask("sync-status", [tenant, 1, null]))[0]).toMatchObject({ live_database: url });
    await promoted();
    expect(await stateOf()).toBe("active");
    expect((await ask("sync-status", [tenant, 1, null]))[0]).toMatchObject({ live_database: null });
  });

  test("has its file synced by nobody: not when asked for, and not what waited already", async () => {
    await verify();
    expect(await ask("trigger-sync", [tenant])).toHaveLength(1);
    await promoted(url);
    expect(await ask("trigger-sync", [tenant])).toEqual([]);
    expect(await ask("trigger-verify", [tenant])).toEqual([]);
    const { rows } = await cluster.admin.query(
      "SELECT 1 FROM sync_metadata.sync_jobs WHERE tenant = $1 AND status = 'queued'",
      [tenant],
    );
    expect(rows).toHaveLength(1);
    const run = randomUUID();
    const claims: unknown[] = [];
    await cluster.sync.query("BEGIN");
    for (;;) {
      const [job] = await ask("claim-job", ["main", "a", run, 60, []]).catch(() => []);
      if (!job) break;
      claims.push(job.tenant);
    }
    await cluster.sync.query("ROLLBACK");
    expect(claims).not.toContain(tenant);
  });
});

describe("hostile:", () => {
  test.each([
    ["UPDATE sync_metadata.client_deployments SET state = 'paused'"],
    ["UPDATE sync_metadata.client_deployments SET declared_paused = true"],
    [
      "INSERT INTO sync_metadata.transitions (cluster, tenant, to_state, actor, reason) VALUES ('main', 'tenant-0', 'paused', 'x', 'x')",
    ],
    ["UPDATE sync_metadata.transitions SET actor = 'somebody else'"],
    ["DELETE FROM sync_metadata.transitions"],
    ["TRUNCATE sync_metadata.transitions"],
    ["INSERT INTO sync_metadata.legal_moves VALUES ('active', 'erased', true, NULL)"],
    ["UPDATE sync_metadata.legal_moves SET by_nodes = true"],
  ])("a cluster's login is refused %s", async (statement) => {
    await expect(cluster.sync.query(statement)).rejects.toMatchObject({ code: "42501" });
  });

  test.each([
    ["UPDATE sync_metadata.transitions SET actor = 'somebody else'"],
    ["DELETE FROM sync_metadata.transitions"],
    ["TRUNCATE sync_metadata.transitions"],
    ["UPDATE sync_metadata.client_deployments SET state = 'paused'"],
    ["UPDATE sync_metadata.client_deployments SET state = 'paused', transition = 1"],
  ])("even the server's superuser is refused %s", async (statement) => {
    await expect(cluster.admin.query(statement)).rejects.toMatchObject({ code: "42501" });
  });

  test("another cluster's tenant is neither moved nor seen, and one that nobody has looks the same", async () => {
    await cluster.database.apply(RIVAL);
    for (const id of ["rival", "nobody"])
      await expect(move("provisioning", "paused", { id })).rejects.toMatchObject({
        code: "42501",
        message: `role sync_main may not move tenant ${id}: it is none of its cluster`,
      });
    expect(await stateOf("rival")).toBe("provisioning");
    const { rows } = await cluster.sync.query("SELECT DISTINCT cluster FROM sync_metadata.transitions");
    expect(rows).toEqual([{ cluster: "main" }]);
  });

  test("a reader may move nothing", async () => {
    const reader = await cluster.database.connect("reader_ana");
    await expect(move("provisioning", "paused", { client: reader })).rejects.toMatchObject({ code: "42501" });
  });

  test.each([
    ["nobody", "", "a test"],
    ["a name without end", "x".repeat(201), "a test"],
    ["a reason without end", "ana", "x".repeat(1001)],
    ["no reason at all", "ana", null],
  ])("a move by %s is refused", async (_, actor, reason) => {
    await expect(
      cluster.sync.query(MOVE, [tenant, "provisioning", "paused", actor, reason]),
    ).rejects.toThrow();
    expect(await stateOf()).toBe("provisioning");
  });
});

describe("the first verified sync", () => {
  test("makes a tenant active, once", async () => {
    await verify();
    await verify();
    expect(await stateOf()).toBe("active");
    expect((await movesOf()).slice(1)).toMatchObject([{ from: "provisioning", to: "active", actor: "sync" }]);
  });

  test("leaves a paused tenant paused, which is then resumed as active", async () => {
    await move("provisioning", "paused");
    await verify();
    expect(await stateOf()).toBe("paused");
    await move("paused", "active");
    expect(await stateOf()).toBe("active");
  });
});

describe("what the config declares", () => {
  test("begins as provisioning, or as paused", async () => {
    const [one, other] = intentOf(["fresh", "asleep"]).tenants as [Declared, Declared];
    const intent = intentOf(tenants);
    await cluster.database.apply({
      ...intent,
      tenants: [...intent.tenants, one, { ...other, paused: true }],
    });
    expect([await stateOf("fresh"), await stateOf("asleep")]).toEqual(["provisioning", "paused"]);
    await cluster.database.apply(intent);
  });

  test("takes effect when it changes, in both directions", async () => {
    await verify();
    expect((await declare({ paused: true })).changed.tenants).toEqual([{ id: tenant, change: "updated" }]);
    expect(await stateOf()).toBe("paused");
    await declare();
    expect(await stateOf()).toBe("active");
    expect((await movesOf()).slice(2)).toMatchObject([
      { actor: "up", reason: "the config declares it paused" },
      { actor: "up", reason: "the config no longer declares it paused" },
    ]);
  });

  test("and says again leaves an operator's pause as it is", async () => {
    await move("provisioning", "paused");
    expect((await declare()).changed.tenants).toEqual([]);
    expect(await stateOf()).toBe("paused");
  });

  test("and says again leaves what an operator resumed as it is", async () => {
    await declare({ paused: true });
    await move("paused", "provisioning");
    expect((await declare({ paused: true })).changed.tenants).toEqual([]);
    expect(await stateOf()).toBe("provisioning");
    await declare();
  });

  test("no longer is retired, and declared again it is where it was: active, provisioning or paused", async () => {
    const back = async (declared: { paused?: boolean } = {}) => {
      await declare({ gone: true });
      expect(await stateOf()).toBe("retired");
      await declare(declared);
      return stateOf();
    };
    expect(await back()).toBe("provisioning");
    expect(await back({ paused: true })).toBe("paused");
    expect(await back()).toBe("provisioning");
    await verify();
    expect(await back()).toBe("active");
  });

  test("keeps off a tenant that is migrating, and counts when it has arrived", async () => {
    await verify();
    await move("active", "migrating");
    await declare({ paused: true });
    expect(await stateOf()).toBe("migrating");
    await move("migrating", "active");
    await declare({ paused: true });
    expect(await stateOf()).toBe("paused");
    await declare();
  });

  test("retires a tenant that an operator pauses at the same moment", async () => {
    await cluster.sync.query("BEGIN");
    await move("provisioning", "paused");
    const applied = declare({ gone: true });
    await somebodyWaits();
    await cluster.sync.query("COMMIT");
    await applied;
    expect(await stateOf()).toBe("retired");
    expect(await move("paused", "provisioning")).toBeNull();
    await declare();
  });
});

test("no login works on a retired tenant any more", async () => {
  await verify();
  await declare({ gone: true });
  await expect(
    cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]),
  ).rejects.toMatchObject({
    code: "42501",
  });
  await declare();
});

test("an erased tenant's rows go from the conflict log and all else that holds its contents, and no other's", async () => {
  const other = unused.pop() as string;
  const logged = `
    INSERT INTO sync_metadata.conflict_log
      (cluster, tenant, "table", type, strategy, winner, why, source, edited_at, edited_by, job, columns)
    VALUES ('main', $1, 'chat', 'update/update', 'manual', 'pending', 'why', '{"title": "secret"}', now(), 'ana', 1, '[]')`;
  const found = `
    WITH job AS (
      INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at, finished_at)
      VALUES ('main', $1, 'verify', 'success', now(), now()) RETURNING id
    )
    INSERT INTO sync_metadata.replica_differences (cluster, tenant, job, source, key, what)
    SELECT 'main', $1, id, 'chat', '["secret"]', 'extra' FROM job`;
  for (const id of [tenant, other])
    for (const statement of [logged, found]) await cluster.admin.query(statement, [id]);
  await cluster.sync.query(
    "INSERT INTO sync_metadata.api_answers (subject, route, key, digest, status, answer) VALUES ('ana', 'r', 'k', sha256(''), 200, '{}')",
  );
  const left = async () => {
    const { rows } = await cluster.admin.query(
      `SELECT (SELECT count(*)::int FROM sync_metadata.conflict_log WHERE tenant = ANY ($1)) AS conflicts,
         (SELECT count(*)::int FROM sync_metadata.replica_differences WHERE tenant = ANY ($1)) AS differences,
         (SELECT count(*)::int FROM sync_metadata.sync_jobs WHERE tenant = ANY ($1)) AS jobs,
         (SELECT count(*)::int FROM sync_metadata.api_answers) AS answers`,
      [[tenant, other]],
    );
    return rows[0];
  };
  await move("provisioning", "retired", { client: cluster.admin });
  expect(await left()).toEqual({ conflicts: 2, differences: 2, jobs: 2, answers: 1 });
  await cluster.admin.query("BEGIN");
  await move("retired", "erased", { client: cluster.admin });
  await cluster.admin.query("ROLLBACK");
  expect(await left()).toEqual({ conflicts: 2, differences: 2, jobs: 2, answers: 1 });
  await move("retired", "erased", { client: cluster.admin });
  expect(await left()).toEqual({ conflicts: 1, differences: 1, jobs: 2, answers: 0 });
  expect((await movesOf()).map(({ to }) => to)).toEqual(["provisioning", "retired", "erased"]);
});

test("a database from before life cycles has each tenant where it was, with how it got there", async () => {
  const former = await TestDatabase.createEmpty();
  const owner = await former.connect("fleet_admin");
  await owner.query("SET ROLE fleet_owner");
  const all = readMigrations();
  const first = all.findIndex(({ name }) => name.endsWith("life-cycle"));
  await migrate(owner, all.slice(0, first));
  await owner.query(`
    INSERT INTO sync_metadata.hosts (cluster, id, agent_address, agent_identity) VALUES ('main', 'local', 'x:1', 'x');
    INSERT INTO sync_metadata.client_deployments (id, cluster, host, url, sync_interval, state)
    SELECT id, 'main', 'local', 'x', '1 hour', state FROM (VALUES
      ('acme', 'active'), ('fresh', 'active'), ('asleep', 'paused'), ('gone', 'retired')) AS t (id, state);
    INSERT INTO sync_metadata.cluster_logins VALUES ('sync_main', 'main')`);
  const login = await former.connect("sync_main");
  for (const id of ["acme", "fresh"]) await login.query("SELECT sync_metadata.make_tenant_schema($1)", [id]);
  await login.query("UPDATE sync_metadata.replicas SET verified_at = now() WHERE tenant = 'acme'");
  const intent = intentOf(["acme", "fresh", "asleep"]);
  await former.apply({
    ...intent,
    tenants: intent.tenants.map((each) => ({ ...each, paused: each.id === "asleep" })),
  });
  const { rows } = await owner.query(
    `SELECT d.id, d.state, t.from_state, t.to_state FROM sync_metadata.client_deployments AS d
     JOIN sync_metadata.transitions AS t ON t.id = d.transition ORDER BY d.id`,
  );
  expect(rows.map(({ id, state, from_state, to_state }) => [id, state, from_state, to_state])).toEqual([
    ["acme", "active", null, "active"],
    ["asleep", "paused", null, "paused"],
    ["fresh", "provisioning", null, "provisioning"],
    ["gone", "retired", null, "retired"],
  ]);
  await former.drop();
});

/** Waits until somebody waits for a lock in this database. */
const somebodyWaits = () =>
  until("somebody waits for a lock", async () => {
    const { rows } = await cluster.admin.query(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    return rows[0];
  });
