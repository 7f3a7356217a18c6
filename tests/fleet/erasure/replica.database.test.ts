import { beforeEach, describe, expect, test } from "vitest";
import { eraseReplica, isNothing, leftOfTenant } from "../../../fleet/erasure/replica.ts";
import { query } from "../../../sync-runtime/database/query.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";

const cluster = ClusterDatabase.forEach(intentOf(["acme", "acme-eu"]));
const admin = () => cluster.database.credentials("fleet_admin");
const left = (tenant = "acme") => leftOfTenant(admin(), tenant);
const erase = (tenant = "acme") => eraseReplica(admin(), tenant, "ana", "asked for");
const retire = (...kept: string[]) => cluster.database.apply(intentOf(kept));

beforeEach(async () => {
  for (const tenant of ["acme", "acme-eu"]) {
    const schema = `"tenant_${tenant}"`;
    await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", [tenant]);
    const columns = ["id", "email", "last_active_at"].map((name) => ({
      name,
      type: name === "last_active_at" ? "bigint" : "text",
    }));
    await cluster.sync.query("SELECT * FROM sync_metadata.define_tables($1, $2)", [
      tenant,
      JSON.stringify([{ name: "user", columns, key: ["id"], ddl: [""] }]),
    ]);
    await cluster.admin.query(
      `INSERT INTO ${schema}."user" (id, email, last_active_at) VALUES ('1', 'ada@x.example', $1)`,
      [Math.floor(Date.now() / 1000)],
    );
    await cluster.sync.query(
      "UPDATE sync_metadata.replica_tables SET rows = 1, sum = 'x' WHERE tenant = $1",
      [tenant],
    );
    await cluster.sync.query(
      "UPDATE sync_metadata.replicas SET verified_at = clock_timestamp(), equal = true WHERE tenant = $1",
      [tenant],
    );
    await cluster.admin.query(
      `INSERT INTO ${schema}._replica_tombstones (source, reason, content) VALUES ('user', 'row', '{"email": "bob@x.example"}')`,
    );
    await cluster.admin.query(
      `INSERT INTO sync_metadata.conflict_log
         (cluster, tenant, "table", type, strategy, winner, why, edited_at, edited_by, detected_at, job, columns)
       VALUES ('main', $1, 'user', 'update/update', 'manual', 'pending', 'why', now(), 'ana', now(), 1, '[]')`,
      [tenant],
    );
  }
});

describe("a tenant that the config no longer declares", () => {
  test("is erased with its tombstones, conflicts and jobs; its neighbour keeps everything", async () => {
    await retire("acme-eu");
    const neighbour = (await left("acme-eu")).found;
    const there = (await left()).found;
    expect(there).toMatchObject({ schemas: 1, replicas: 1, rows: 1, conflicts: 1 });
    expect(await erase()).toEqual(there);
    const after = await left();
    expect(after).toMatchObject({ state: "erased", url: "https://erased.invalid" });
    expect(isNothing({ ...after.found, readers: 0 })).toBe(true);
    expect((await left("acme-eu")).found).toEqual(neighbour);
  });

  test("is found to be nothing the second time, and moved once", async () => {
    await retire("acme-eu");
    await erase();
    const again = await erase();
    expect(isNothing({ ...again, readers: 0 })).toBe(true);
    const { rows } = await cluster.admin.query(
      "SELECT to_state, actor, reason FROM sync_metadata.transitions WHERE tenant = 'acme' ORDER BY id DESC LIMIT 2",
    );
    expect(rows.map(({ to_state }) => to_state)).toEqual(["erased", "retired"]);
    expect(rows[0]).toMatchObject({ actor: "ana", reason: "asked for" });
  });

  test("leaves the number of its active persons for their 30 days, and nobody to be told from it", async () => {
    const persons = async (tenant: string) =>
      (
        await cluster.admin.query(
          "SELECT encode(person, 'hex') AS person FROM sync_metadata.active_users WHERE tenant = $1",
          [tenant],
        )
      ).rows.map(({ person }) => person);
    const [same] = await persons("acme-eu");
    expect(await persons("acme")).toEqual([same]);
    await retire("acme-eu");
    await erase();
    expect(await persons("acme")).toEqual([expect.not.stringMatching(same)]);
    expect(await persons("acme-eu")).toEqual([same]);
    const [all] = await cluster.ask("active-users");
    expect(Number(all.users)).toBe(2);
  });

  test("comes back under its name with an empty replica", async () => {
    await retire("acme-eu");
    await erase();
    await retire("acme", "acme-eu");
    expect(await left()).toMatchObject({ state: "provisioning", url: "http://acme.localhost:8080" });
    await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", ["acme"]);
    expect((await left()).found).toMatchObject({ replicas: 1, rows: 0 });
  });
});

describe("nothing is erased", () => {
  test.each(["acme", "nobody"])("of %s while the config declares it, or never did", async (tenant) => {
    await expect(erase(tenant)).rejects.toThrow(/only what the config no longer declares is erased/);
    expect((await left()).found).toMatchObject({ schemas: 1, rows: 1, conflicts: 1 });
  });

  test("by a node's login, whatever it calls", async () => {
    await retire("acme-eu");
    for (const statement of ["erase-tenant", "left-of-tenant"])
      await expect(
        cluster.sync.query(query(statement), statement === "erase-tenant" ? ["acme", "a", "b"] : ["acme"]),
      ).rejects.toMatchObject({ code: "42501" });
    expect((await left()).found).toMatchObject({ schemas: 1 });
  });

  test("in part: what fails at its end takes nothing away", async () => {
    await retire("acme-eu");
    await cluster.admin.query(
      "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$; CREATE TRIGGER fail BEFORE INSERT ON sync_metadata.transitions FOR EACH ROW EXECUTE FUNCTION public.fail()",
    );
    await expect(erase()).rejects.toThrow("the disk is full");
    expect(await left()).toMatchObject({ state: "retired", found: { schemas: 1, rows: 1, conflicts: 1 } });
  });
});
