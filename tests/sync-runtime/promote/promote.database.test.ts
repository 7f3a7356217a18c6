import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { changesSince, fill, inspect } from "../../../sync-runtime/promote/promote.ts";
import type { Promotion, Violation } from "../../../sync-runtime/promote/report.ts";
import { withTarget } from "../../../sync-runtime/promote/target-database.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { TestReplicas } from "../node/test-replica.ts";
import { fileSource } from "../restore/file-source.ts";
import { StrictDatabase } from "./strict-database.ts";

let replicas: TestReplicas;
let folder: string;
let strict: StrictDatabase;

beforeAll(async () => {
  replicas = await TestReplicas.create();
  folder = mkdtempSync(join(tmpdir(), "promote-"));
});
afterAll(async () => {
  await replicas[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  strict = await StrictDatabase.create();
});
afterEach(() => strict.drop());

/** A tenant whose replica was made from a file as Open WebUI 0.11.3 leaves it, changed by statements. */
async function replicaOf(schema: string, statements = ""): Promise<{ tenant: string; path: string }> {
  const replica = replicas.nextTenant();
  const path = join(folder, `${replica.tenant}.db`);
  createWebuiDatabase(path, { schema, journal: "rollback", chats: 10 });
  const source = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  source.exec(statements);
  source.close();
  await replica.sync(fileSource(path, replica.source.identity));
  return { tenant: replica.tenant, path };
}

const request = (tenant: string, changed = {}) => ({
  ...{ connection: connection(), tenant, to: strict.url, leaveOut: false, force: false, held: false },
  ...changed,
});
const connection = () =>
  replicas.database.credentials("sync_main") as Parameters<typeof fill>[0]["connection"];
const promote = (tenant: string, changed = {}) => fill(request(tenant, changed));

const told = (violations: readonly Violation[]) =>
  violations.map(({ table, column, key, why }) => [table, column, Object.values(key).join(), why]);
const tableOf = (promotion: Promotion, name: string) => promotion.tables.find((table) => table.name === name);

/** What SQLAlchemy reads of a stored value, in SQLite and in Postgres alike. */
function applicationValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "boolean") return Number(value);
  if (value instanceof Date) return value.toISOString().slice(0, 19).replace("T", " ");
  if (typeof value !== "string") return value;
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

/** Everything a table of the file holds that Postgres has a column for, in no order. */
async function bothSides(path: string, table: string): Promise<[unknown[], unknown[]]> {
  const { rows: columns } = await strict.client.query(
    "SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public'",
    [table],
  );
  const source = new DatabaseSync(path, { readOnly: true, readBigInts: true });
  const here = source.prepare(`SELECT * FROM "${table}"`).all() as Record<string, unknown>[];
  source.close();
  const names = columns.map(({ name }) => name as string);
  const select = columns.map(({ name, type }) =>
    type === "json" || type.startsWith("timestamp") || type === "date"
      ? `"${name}"::text AS "${name}"`
      : `"${name}"`,
  );
  const there = (await strict.client.query(`SELECT ${select.join(", ")} FROM "${table}"`)).rows;
  const plain = (rows: Record<string, unknown>[]) =>
    rows.map((row) => JSON.stringify(names.map((name) => applicationValue(row[name])))).sort();
  return [plain(here), plain(there)];
}

describe.each(["v0.11.3-fresh", "v0.11.3-legacy"])("a replica of %s", (schema) => {
  test("is a strict database afterwards that holds what the file holds, table for table", async () => {
    const { tenant, path } = await replicaOf(schema);
    const promotion = await promote(tenant);
    expect(promotion).toMatchObject({ promoted: true, violations: [], version: "d4c1a8e37b62" });
    expect(promotion.tables.filter(({ equal, leftOut }) => !equal || leftOut > 0)).toEqual([]);
    expect(promotion.tables.length).toBe(42);
    for (const { name } of promotion.tables) {
      const [here, there] = await bothSides(path, name);
      expect([name, there]).toEqual([name, here]);
    }
  });
});

describe("a rehearsal", () => {
  test("proves everything and leaves nothing", async () => {
    const { tenant } = await replicaOf("v0.11.3-fresh");
    const rehearsed = await promote(tenant, { rehearsal: true });
    expect(rehearsed).toMatchObject({ promoted: true, violations: [] });
    expect(rehearsed.tables.filter(({ equal }) => !equal)).toEqual([]);
    const { rows } = await strict.client.query("SELECT count(*)::int AS n FROM chat");
    expect(rows).toEqual([{ n: 0 }]);
    expect(await promote(tenant)).toMatchObject({ promoted: true, tables: rehearsed.tables });
  });
});

describe("what was written into a target since", () => {
  const since = (tenant: string) => changesSince({ connection: connection(), tenant, to: strict.url });

  test("is nothing behind the filling, whatever was converted", async () => {
    const { tenant } = await replicaOf("v0.11.3-legacy");
    await promote(tenant);
    expect(await since(tenant)).toEqual([]);
  });

  test("is told row by row: new, changed and gone ones, twins too", async () => {
    const { tenant } = await replicaOf("v0.11.3-fresh");
    await promote(tenant);
    await strict.client.query(
      `DELETE FROM chat WHERE id = (SELECT min(id) FROM chat);
       UPDATE chat SET title = title || '!' WHERE id = (SELECT max(id) FROM chat);
       INSERT INTO chat (id, user_id, title, chat, created_at, updated_at, archived, meta)
         VALUES ('new', 'u', 't', '{}', 1, 1, false, '{}');
       UPDATE "user" SET last_active_at = last_active_at + 1`,
    );
    const { rows } = await strict.client.query('SELECT count(last_active_at)::int AS n FROM "user"');
    // What hangs on a chat goes with it.
    expect((await since(tenant)).sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "chat", made: 2, gone: 2 },
      { name: "chat_message", made: 0, gone: 2 },
      { name: "shared_chat", made: 0, gone: 1 },
      { name: "user", made: rows[0].n, gone: rows[0].n },
    ]);
  });

  test("does not count what was left out, which never was there", async () => {
    const { tenant } = await replicaOf("v0.11.3-fresh", "UPDATE chat SET title = CAST(x'610062' AS TEXT)");
    const { violations } = await promote(tenant, { leaveOut: true });
    expect(violations.length).toBeGreaterThan(0);
    expect(await since(tenant)).toEqual([]);
  });
});

describe("conversions", () => {
  test("give the application what it read before", async () => {
    const { tenant } = await replicaOf(
      "v0.11.3-legacy",
      `UPDATE user SET settings = '{"a": "\\u0000", "b":  1.0}', info = 12, date_of_birth = '1990-02-28';
       UPDATE chat SET created_at = 1763726400, archived = 1, pinned = 0, meta = '1.5', chat = '{"x": "\\ud800"}';
       UPDATE channel SET created_at = 1763726400123456789;
       UPDATE config_old SET created_at = '2025-11-21 12:00:00.5', updated_at = '2025-11-21 12:00:01';`,
    );
    expect((await promote(tenant)).violations).toEqual([]);
    const { rows: users } = await strict.client.query(
      'SELECT DISTINCT settings::text, info::text, date_of_birth::text AS born FROM "user"',
    );
    expect(users).toEqual([{ settings: '{"a": "\\u0000", "b":  1.0}', info: "12", born: "1990-02-28" }]);
    const { rows: chats } = await strict.client.query(
      "SELECT DISTINCT created_at, archived, pinned, meta::text, chat::text FROM chat",
    );
    expect(chats).toEqual([
      { created_at: "1763726400", archived: true, pinned: false, meta: "1.5", chat: '{"x": "\\ud800"}' },
    ]);
    const { rows: channels } = await strict.client.query("SELECT DISTINCT created_at FROM channel");
    expect(channels).toEqual([{ created_at: "1763726400123456789" }]);
    const { rows: settings } = await strict.client.query("SELECT DISTINCT created_at::text FROM config_old");
    expect(settings).toEqual([{ created_at: "2025-11-21 12:00:00.5" }]);
  });

  test("leave every sequence behind the highest value", async () => {
    const statements = "DELETE FROM config_old WHERE id > 3; UPDATE config_old SET id = 40 WHERE id = 3";
    await promote((await replicaOf("v0.11.3-legacy", statements)).tenant);
    const { rows } = await strict.client.query(
      "INSERT INTO config_old (data, version, created_at) VALUES ('{}', 1, now()) RETURNING id",
    );
    expect(rows).toEqual([{ id: 41 }]);
  });
});

describe("rows that violate the schema", () => {
  const BROKEN = `
    INSERT INTO auth (id, email, password, active) VALUES ('no-password', 'x@y', '', 2);
    UPDATE chat SET title = CAST(x'610062' AS TEXT) WHERE id = (SELECT min(id) FROM chat);
    INSERT INTO chat (id, user_id, title, chat, created_at, updated_at, archived, meta)
      VALUES ('utf8', 'u', CAST(x'c328' AS TEXT), '{}', 1, 1, 0, '{}'), ('json', 'u', 't', '{NaN', 1, 1, 0, '{}'),
        ('text-moment', 'u', 't', '{}', '2025-11-21', 1, 0, '{}'), ('blob', 'u', x'00', '{}', 1, 1, 0, '{}');
    UPDATE user SET username = NULL;
    INSERT INTO user (id, name, email, role, profile_image_url, last_active_at, updated_at, created_at, username)
      VALUES ('long', 'n', 'l@x', 'user', '/', 1, 1, 1, '${"ä".repeat(51)}'), ('fits', 'n', 'f@x', 'user', '/', 1, 1, 1, '${"ä".repeat(50)}');
    INSERT INTO chat_file (id, user_id, chat_id, file_id, created_at, updated_at)
      VALUES ('orphan', 'u', 'nowhere', (SELECT min(id) FROM file), 1, 1), ('child', 'u', 'json', (SELECT min(id) FROM file), 1, 1);
    INSERT INTO knowledge_directory (id, knowledge_id, parent_id, name, user_id, created_at, updated_at)
      VALUES ('lost', 'nowhere', NULL, 'n', 'u', 1, 1), ('lost-child', (SELECT min(id) FROM knowledge), 'lost', 'n', 'u', 1, 1),
        ('kept-child', (SELECT min(id) FROM knowledge), (SELECT min(id) FROM knowledge_directory WHERE id <> 'lost'), 'n', 'u', 1, 1);
  `;

  test("stop everything, and are told one by one with their keys and no values", async () => {
    const { tenant } = await replicaOf("v0.11.3-fresh", BROKEN);
    const promotion = await promote(tenant);
    expect(promotion.promoted).toBe(false);
    const generated = /^[0-9a-f-]{36,}$/;
    expect(
      told(promotion.violations)
        .filter(([, , key]) => !generated.test(String(key)))
        .sort(),
    ).toEqual(
      [
        ["auth", "active", "no-password", "type"],
        ["chat", "chat", "json", "invalid-json"],
        ["chat", "created_at", "text-moment", "type"],
        ["chat", "title", "blob", "type"],
        ["chat", "title", "utf8", "encoding"],
        ["chat_file", "chat_id", "child", "orphan"],
        ["chat_file", "chat_id", "orphan", "orphan"],
        ["knowledge_directory", "knowledge_id", "lost", "orphan"],
        ["knowledge_directory", "parent_id", "lost-child", "orphan"],
        ["user", "username", "long", "too-long"],
      ].sort(),
    );
    expect(told(promotion.violations).map(([, , , why]) => why)).toContain("nul");
    expect(JSON.stringify(promotion.violations)).not.toContain("{NaN");
    for (const table of ["user", "chat", "auth"])
      expect([table, await strict.count(table)]).toEqual([table, 0]);
  });

  test("are left out where that is asked for, and everything else is there", async () => {
    const { tenant } = await replicaOf("v0.11.3-fresh", BROKEN);
    const promotion = await promote(tenant, { leaveOut: true });
    expect(promotion.promoted).toBe(true);
    expect(promotion.violations.length).toBeGreaterThanOrEqual(10);
    expect(promotion.tables.every(({ equal, rows, fit, leftOut }) => equal && rows === fit + leftOut)).toBe(
      true,
    );
    expect(tableOf(promotion, "knowledge_directory")).toMatchObject({ leftOut: 2 });
    const ids = (await strict.rows("knowledge_directory")).map(({ id }) => id);
    expect(ids).toContain("kept-child");
    expect(ids).not.toContain("lost-child");
    expect((await strict.rows("user")).map(({ id }) => id)).toContain("fits");
  });

  test("of equal keys the first row stays, by the index's own expression", async () => {
    const { tenant } = await replicaOf(
      "v0.11.3-legacy",
      `DROP INDEX uq_user_email_lower;
       INSERT INTO user (id, name, email, role, profile_image_url, last_active_at, updated_at, created_at)
         SELECT 'twin', name, upper(email), role, '/x', 1, 1, 1 FROM user WHERE email IS NOT NULL LIMIT 1;`,
    );
    const promotion = await promote(tenant, { leaveOut: true });
    expect(promotion.violations).toMatchObject([
      {
        table: "user",
        key: { id: "twin" },
        why: "duplicate",
        found: "another row has its key (uq_user_email_lower)",
      },
    ]);
  });

  test("a NULL where a value is required names its column", async () => {
    const { tenant } = await replicaOf(
      "v0.11.3-legacy",
      `DROP TABLE prompt; CREATE TABLE prompt (id, name, content);
       INSERT INTO prompt VALUES ('p', NULL, 'c')`,
    );
    const { violations } = await promote(tenant);
    expect(told(violations).map(([table, column, , why]) => [table, column, why])).toEqual([
      ["prompt", "user_id", "null"],
      ["prompt", "created_at", "null"],
      ["prompt", "updated_at", "null"],
      ["prompt", "name", "null"],
    ]);
  });

  test("what this version has no place for is told, and stops nothing", async () => {
    const statements = "CREATE TABLE plugin (id TEXT); INSERT INTO plugin VALUES ('x'), ('y')";
    const { tenant } = await replicaOf("v0.11.3-legacy", statements);
    const { promoted, notCarried } = await promote(tenant);
    expect(promoted).toBe(true);
    expect(notCarried).toEqual(
      expect.arrayContaining([
        { table: "plugin", values: 2 },
        { table: "migratehistory", values: 5 },
      ]),
    );
  });
});

test("what others wrote into the replica is left out, and told", async () => {
  const { tenant } = await replicaOf("v0.11.3-fresh");
  await replicas.admin.query(`UPDATE "tenant_${tenant}".chat SET title = title || '!'`);
  const { edits, tables } = await promote(tenant);
  expect(edits).toBeGreaterThan(0);
  expect(tables.every(({ equal }) => equal)).toBe(true);
  expect((await strict.rows("chat")).filter(({ title }) => String(title).endsWith("!"))).toEqual([]);
});

describe("refused, with nothing changed:", () => {
  let tenant: string;
  beforeAll(async () => {
    ({ tenant } = await replicaOf("v0.11.3-fresh"));
  });

  test("a target that Open WebUI already used, until --force says that it may go", async () => {
    await promote(tenant);
    await strict.client.query("UPDATE chat SET title = 'written since'");
    await expect(inspect(request(tenant))).rejects.toMatchObject({ code: "target-used" });
    await expect(promote(tenant)).rejects.toMatchObject({ code: "target-used" });
    expect((await strict.rows("chat")).map(({ title }) => title)).toContain("written since");
    expect((await promote(tenant, { force: true })).promoted).toBe(true);
    expect((await strict.rows("chat")).map(({ title }) => title)).not.toContain("written since");
  });

  test("a target with somebody else's tables", async () => {
    const foreign = await StrictDatabase.create({ prepared: false });
    await foreign.client.query("CREATE TABLE invoices (id int)");
    await expect(inspect(request(tenant, { to: foreign.url }))).rejects.toThrow(
      "The target holds tables that Open WebUI did not make: invoices. Nothing was changed.",
    );
    await foreign.drop();
  });

  test("another version of the schema than the replica's", async () => {
    await strict.client.query("UPDATE alembic_version SET version_num = 'another'");
    await expect(promote(tenant)).rejects.toThrow(
      "The replica has version d4c1a8e37b62 of Open WebUI's schema, the target another. Nothing was written.",
    );
  });

  test("a replica that somebody changed unseen since it was verified", async () => {
    const { intruder } = replicas;
    await intruder.query(`UPDATE "tenant_${tenant}".chat SET title = title || '!'`);
    await expect(promote(tenant)).rejects.toMatchObject({ code: "replica-changed" });
    await intruder.query(`UPDATE "tenant_${tenant}".chat SET title = left(title, -1)`);
    expect(await strict.count("chat")).toBe(0);
  });

  test("a target that changes what is written into it", async () => {
    await strict.client.query(`
      CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.title := 'x'; RETURN NEW; END $$;
      CREATE TRIGGER tamper BEFORE INSERT ON chat FOR EACH ROW EXECUTE FUNCTION tamper();
    `);
    await expect(promote(tenant)).rejects.toMatchObject({ code: "not-equal" });
    expect(await strict.count("chat")).toBe(0);
  });

  test("a tenant without a replica", async () => {
    await expect(promote(replicas.nextTenant().tenant)).rejects.toMatchObject({ code: "replica-missing" });
  });

  test("a target that does not answer, without its password in the message", async () => {
    const to = "postgres://owner:hunter22@127.0.0.1:1/x";
    const failed = inspect(request(tenant, { to }));
    await expect(failed).rejects.toThrow("The target 127.0.0.1:1/x cannot be asked");
    await expect(failed).rejects.not.toThrow("hunter22");
  });

  test("a target whose password is another, with where it is given", async () => {
    const to = new URL(strict.url);
    to.password = "hunter22";
    const failed = inspect(request(tenant, { to: to.href }));
    await expect(failed).rejects.toMatchObject({ code: "target-password" });
    await expect(failed).rejects.toThrow("PGPASSWORD");
    await expect(failed).rejects.not.toThrow("hunter22");
  });

  test("a target that is gone while it is worked on", async () => {
    const failed = withTarget(strict.url, (client) =>
      client.query("SELECT pg_terminate_backend(pg_backend_pid())"),
    );
    await expect(failed).rejects.toMatchObject({ code: "target-lost" });
    await expect(failed).rejects.toThrow("was lost while it was worked on");
  });
});

test("the application's own rows of its first start are replaced", async () => {
  const { tenant } = await replicaOf("v0.11.3-fresh");
  await strict.client.query("INSERT INTO config (key, value) VALUES ('of.the.first.start', '1')");
  await promote(tenant);
  expect((await strict.rows("config")).map(({ key }) => key)).not.toContain("of.the.first.start");
});

test("an empty target is looked at without touching it", async () => {
  const { tenant } = await replicaOf("v0.11.3-fresh");
  const empty = await StrictDatabase.create({ prepared: false });
  expect(await inspect(request(tenant, { to: empty.url }))).toEqual({
    version: "d4c1a8e37b62",
    target: { kind: "empty", server: 15, tables: [], rows: 0 },
  });
  await empty.drop();
});
