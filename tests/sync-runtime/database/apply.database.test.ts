import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseRequest } from "../../../sync-runtime/database/apply.ts";
import { readMigrations } from "../../../sync-runtime/database/migrator.ts";
import { run } from "../../support/fleet/command.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";

const APPLY = new URL("../../../sync-runtime/database/apply.ts", import.meta.url).pathname;

let database: TestDatabase;

beforeEach(async () => {
  database = await TestDatabase.createEmpty();
});
afterEach(() => database.drop());

describe("applying", () => {
  test("makes the schema with an admin who is no superuser, and says what it did", async () => {
    const applied = await database.apply(intentOf(["acme", "globex"]));
    const names = readMigrations().map(({ name }) => name);
    expect(applied).toEqual({
      version: names.length,
      migrated: names,
      changed: {
        settings: [{ id: "main", change: "added" }],
        hosts: [{ id: "local", change: "added" }],
        tenants: [
          { id: "acme", change: "added" },
          { id: "globex", change: "added" },
        ],
        logins: [{ id: "sync_main", change: "added" }],
        readers: [],
      },
    });
  });

  test("again changes nothing", async () => {
    await database.apply(intentOf(["acme"]));
    const again = await database.apply(intentOf(["acme"]));
    expect(again.migrated).toEqual([]);
    expect(again.changed).toEqual({ settings: [], hosts: [], tenants: [], logins: [], readers: [] });
  });

  test("by two programs at once lets one wait for the other", async () => {
    const both = await Promise.all([1, 2].map(() => database.apply(intentOf(["acme"]))));
    expect(both.map(({ migrated }) => migrated.length).sort()).toEqual([0, readMigrations().length]);
  });

  test("retires what the intent no longer holds, and takes it back with everything it had", async () => {
    await database.apply(intentOf(["acme", "globex"]));
    const without = await database.apply(intentOf(["acme"]));
    expect(without.changed.tenants).toEqual([{ id: "globex", change: "retired" }]);
    const back = await database.apply(intentOf(["acme", "globex"]));
    expect(back.changed.tenants).toEqual([{ id: "globex", change: "updated" }]);
  });

  test("writes which way rows go and where writers are, and nothing again where that is as it was", async () => {
    const declared = intentOf(["acme", "globex"]);
    const writer = { address: "writer.local:8051", identity: "urn:owui:writer:local" };
    const changed = {
      ...declared,
      hosts: declared.hosts.map((host) => ({ ...host, writer })),
      tenants: declared.tenants.map((tenant) =>
        tenant.id === "acme" ? { ...tenant, direction: "both" as const } : tenant,
      ),
    };
    await database.apply(declared);
    const update = (id: string) => ({ id, change: "updated" });
    expect((await database.apply(changed)).changed).toMatchObject({
      hosts: [update("local")],
      tenants: [update("acme")],
    });
    expect((await database.apply(changed)).changed).toMatchObject({ hosts: [], tenants: [] });
    const admin = await database.connect("postgres");
    const [hosts, tenants] = [
      "SELECT writer_address, writer_identity FROM sync_metadata.hosts",
      "SELECT id, direction FROM sync_metadata.client_deployments ORDER BY id",
    ].map((statement) => admin.query(statement));
    expect((await hosts)?.rows).toEqual([
      { writer_address: writer.address, writer_identity: writer.identity },
    ]);
    expect((await tenants)?.rows).toEqual([
      { id: "acme", direction: "both" },
      { id: "globex", direction: "one-way" },
    ]);
    expect((await database.apply(declared)).changed).toMatchObject({
      hosts: [update("local")],
      tenants: [update("acme")],
    });
    expect((await admin.query("SELECT FROM sync_metadata.hosts WHERE writer_address IS NULL")).rowCount).toBe(
      1,
    );
  });

  test("refuses a tenant whose rows go both ways on a host without a writer", () => {
    const { tenants, ...intent } = intentOf(["acme"]);
    const both = { ...intent, tenants: tenants.map((tenant) => ({ ...tenant, direction: "both" })) };
    const connection = database.credentials("fleet_admin");
    expect(() => parseRequest(JSON.stringify({ connection, intent: both }))).toThrow(
      "tenant acme is synced both ways, and host local has no writer",
    );
  });

  test("writes how conflicts are decided, and nothing again where that is as it was", async () => {
    const declared = intentOf(["acme"]);
    const conflicts = { default: "manual", tables: { chat: "merge", user: "newest_wins" } } as const;
    const changed = { ...declared, tenants: declared.tenants.map((tenant) => ({ ...tenant, conflicts })) };
    await database.apply(declared);
    const applied = [await database.apply(changed), await database.apply(changed)];
    expect(applied.map(({ changed: { tenants } }) => tenants)).toEqual([
      [{ id: "acme", change: "updated" }],
      [],
    ]);
    const admin = await database.connect("postgres");
    const { rows } = await admin.query("SELECT conflicts FROM sync_metadata.client_deployments");
    expect(rows).toEqual([{ conflicts }]);
  });

  test("makes everything owned by fleet_owner", async () => {
    await database.apply(intentOf(["acme"]));
    const admin = await database.connect("postgres");
    const { rows } = await admin.query(
      `SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'sync_metadata'::regnamespace`,
    );
    expect(rows).toEqual([{ owner: "fleet_owner" }]);
  });
});

describe("refused, with nothing changed:", () => {
  test("a schema newer than the program", async () => {
    const { version } = await database.apply(intentOf(["acme"]));
    const admin = await database.connect("postgres");
    await admin.query("INSERT INTO sync_metadata.migrations (version, name) VALUES ($1, 'from-the-future')", [
      version + 1,
    ]);
    await expect(database.apply(intentOf([]))).rejects.toThrow(
      `The database's schema has version ${version + 1}, this program knows versions up to ${version}. ` +
        "Nothing was changed. Run the version of this repository that made it, or a newer one.",
    );
    const { rows } = await admin.query("SELECT state FROM sync_metadata.client_deployments");
    expect(rows).toEqual([{ state: "provisioning" }]);
  });

  test("a login that is no member of sync_service", async () => {
    const intent = intentOf(["acme"], { logins: [{ role: "sync_nobody", cluster: "main" }] });
    await expect(database.apply(intent)).rejects.toThrow(
      "No login role that is a member of sync_service: sync_nobody. Nothing was changed; " +
        "no node could have connected. Let the stack's SyncDatabase make it first.",
    );
  });

  test("a tenant whose name another cluster has taken", async () => {
    await database.apply(intentOf(["acme"]));
    const other = intentOf(["acme"], {
      cluster: "other",
      logins: [{ role: "sync_other", cluster: "other" }],
    });
    await expect(database.apply(other)).rejects.toThrow(
      "Another cluster replicates into this database under the same name: acme (of main).",
    );
  });

  test("an admin who may not act as fleet_owner", async () => {
    const connection = database.credentials("sync_main");
    const { code, stderr, stdout } = await run([process.execPath, APPLY], {
      input: JSON.stringify({ connection, intent: intentOf([]) }),
      mayFail: true,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("sync_main cannot act as fleet_owner");
    expect(stderr).not.toContain(connection.password as string);
  });

  test("input with several mistakes, all named at once", () => {
    const intent = intentOf(["acme"], { hosts: [], logins: [{ role: "sync_other", cluster: "other" }] });
    const connection = { host: "h", port: 5432, database: "d", user: "u", password: "p" };
    expect(() => parseRequest(JSON.stringify({ connection, intent }))).toThrow(
      /tenant acme is on host local, which the intent does not hold.*login sync_other is of cluster other/s,
    );
  });
});

test("the program reads its request from standard input and prints what it did", async () => {
  const { stdout } = await run([process.execPath, APPLY], {
    input: JSON.stringify({ connection: database.credentials("fleet_admin"), intent: intentOf(["acme"]) }),
  });
  expect(JSON.parse(stdout)).toMatchObject({ changed: { tenants: [{ id: "acme", change: "added" }] } });
});
