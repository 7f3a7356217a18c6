import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ScriptedSource } from "./scripted-source.ts";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;
let table = "";

beforeAll(async () => {
  replicas = await TestReplicas.create(30);
});
afterAll(() => replicas[Symbol.asyncDispose]());

beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  source.tables = {
    user: {
      columns: ["id TEXT", "name TEXT", "age INTEGER"],
      key: ["id"],
      rows: Array.from({ length: 30 }, (_, n) => [String(n), `name ${n}`, BigInt(n)]),
    },
    log: { columns: ["line TEXT"], rows: [["same"], ["same"], ["other"]] },
  };
  await replica.sync();
  table = `"tenant_${replica.tenant}"."user"`;
});

/** What somebody does whom no trigger sees. */
const intrude = (statement: string) => replicas.intruder.query(statement);

/** What only a superuser can do: the values are altered, and the digests stay what they were. */
async function alterBehindDigests(statement: string): Promise<void> {
  await intrude(`ALTER TABLE ${table} ALTER COLUMN _replica_digest DROP EXPRESSION`);
  await intrude(statement);
}

/** The same with a generated column in its place again: no sync notices. */
async function alterUnseen(statement: string): Promise<void> {
  await alterBehindDigests(statement);
  await pretendGenerated("'\\x00'");
}

/** Makes the digest column one that is generated, by the catalog's word, from another expression. */
async function pretendGenerated(expression: string): Promise<void> {
  await intrude(`ALTER TABLE ${table} ALTER COLUMN _replica_digest SET DEFAULT ${expression}`);
  await intrude("SET allow_system_table_mods = on");
  await intrude(
    `UPDATE pg_attribute SET attgenerated = 's' WHERE attrelid = '${table}'::regclass AND attname = '_replica_digest'`,
  );
  await intrude("RESET allow_system_table_mods");
}

const found = async () => {
  const { rows } = await replicas.admin.query(
    "SELECT source, key, what FROM sync_metadata.replica_differences WHERE tenant = $1 ORDER BY what, key ->> 'id'",
    [replica.tenant],
  );
  return rows;
};
const counts = { altered: 0, missing: 0, extra: 0, digest: 0 };
const expectRepaired = async () => {
  expect(await replica.rowsOf("user", "id::integer AS id, name, age")).toEqual(
    source.table("user").rows.map(([id, name, age]) => ({ id: Number(id), name, age: String(age) })),
  );
  expect(await replica.verify()).toMatchObject({ differences: [] });
  expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
};

describe("a deep verification", () => {
  test("of an untouched replica asks for every row, finds nothing, rewrites nothing, and says when", async () => {
    const files = () =>
      intrude(
        `SELECT relname, relfilenode FROM pg_class WHERE relnamespace = '"tenant_${replica.tenant}"'::regnamespace
         AND relkind = 'r' AND relname IN ('user', 'log') ORDER BY relname`,
      ).then(({ rows }) => rows);
    const before = await files();
    const wishes: unknown[] = [];
    const synced = await replica.verify((committed, wish) => {
      wishes.push(committed, wish);
      return source.full(committed);
    });
    expect(synced).toMatchObject({ status: "success", differences: [] });
    expect(await files()).toEqual(before);
    expect(wishes).toEqual([expect.any(String), { full: true, held: null }]);
    const { rows } = await replicas.admin.query(
      "SELECT deep_verified_at IS NOT NULL AS deep, differences FROM sync_metadata.replicas WHERE tenant = $1",
      [replica.tenant],
    );
    expect(rows).toEqual([{ deep: true, differences: "0" }]);
  });

  test("does not take for damage what the source wrote since", async () => {
    source.table("user").rows[3] = ["3", "renamed", 3n];
    source.table("log").rows.push(["more"]);
    expect((await replica.verify()).differences).toEqual([]);
    await expectRepaired();
  });

  test("finds a value that was altered behind its digest, which no sync sees, and repairs it", async () => {
    await alterUnseen(`UPDATE ${table} SET name = 'altered' WHERE id = '7'`);
    expect(await replica.sync(source.unchanged)).toMatchObject({ status: "unchanged" });
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, altered: 1 }]);
    expect(await found()).toEqual([{ source: "user", key: { id: "7" }, what: "altered" }]);
    await expectRepaired();
  });

  test("finds a digest that does not belong to its row, and repairs it", async () => {
    await alterBehindDigests(`UPDATE ${table} SET _replica_digest = '\\x00' WHERE id IN ('7', '8')`);
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, digest: 2 }]);
    expect(await found()).toMatchObject([{ key: { id: "7" }, what: "digest" }, { key: { id: "8" } }]);
    await expectRepaired();
  });

  test("tells both apart, and rows that are missing or too many, each by its key", async () => {
    await alterBehindDigests(`
      UPDATE ${table} SET age = 99 WHERE id = '1';
      UPDATE ${table} SET _replica_digest = NULL WHERE id = '2';
      DELETE FROM ${table} WHERE id = '3';
      INSERT INTO ${table} (id, name) VALUES ('x', 'intruder');
      INSERT INTO ${table} SELECT * FROM ${table} WHERE id = '4'`);
    expect((await replica.verify()).differences).toEqual([
      { table: "user", altered: 1, missing: 1, extra: 2, digest: 1 },
    ]);
    expect((await found()).map(({ key, what }) => `${key.id} ${what}`)).toEqual([
      "1 altered",
      "2 digest",
      "4 extra",
      "x extra",
      "3 missing",
    ]);
    await expectRepaired();
  });

  test("finds what was altered openly, too", async () => {
    await intrude(`UPDATE ${table} SET name = 'altered' WHERE id = '7'`);
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, altered: 1 }]);
    await expectRepaired();
  });

  test("makes a digest column anew that somebody dropped", async () => {
    await intrude(`ALTER TABLE ${table} DROP COLUMN _replica_digest`);
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, digest: 30 }]);
    await expectRepaired();
  });

  test("makes one anew that computes something else, though no row shows it yet", async () => {
    await alterBehindDigests("SELECT");
    await pretendGenerated("'\\x00'");
    source.table("user").rows.push(["new", "new", 1n]);
    await expect(replica.sync()).rejects.toThrow("The replica is not equal");
    expect((await replica.verify()).status).toBe("success");
    source.table("user").rows.pop();
    await replica.sync();
    await expectRepaired();
  });

  test("finds a table that somebody emptied, without taking the source for suspicious", async () => {
    await intrude(`TRUNCATE ${table}`);
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, missing: 30 }]);
    await expectRepaired();
  });

  test("counts rows of a table without a key by what they hold", async () => {
    const log = `"tenant_${replica.tenant}".log`;
    await intrude(`DELETE FROM ${log} WHERE ctid = (SELECT min(ctid) FROM ${log} WHERE line = 'same')`);
    await intrude(`INSERT INTO ${log} (line) VALUES ('intruder')`);
    expect((await replica.verify()).differences).toEqual([{ table: "log", ...counts, missing: 1, extra: 1 }]);
    expect(await found()).toEqual([
      { source: "log", key: null, what: "extra" },
      { source: "log", key: null, what: "missing" },
    ]);
    await expectRepaired();
  });

  test("keeps some hundreds of differences and counts all", async () => {
    source.table("user").rows = Array.from({ length: 700 }, (_, n) => [String(n), `name ${n}`, BigInt(n)]);
    await replica.sync();
    await intrude(`UPDATE ${table} SET age = -1`);
    expect((await replica.verify()).differences).toEqual([{ table: "user", ...counts, altered: 700 }]);
    expect(await found()).toHaveLength(500);
    const { rows } = await replicas.admin.query(
      `SELECT j.kind, j.differences, j.differing, r.differences AS all FROM sync_metadata.sync_jobs AS j
       JOIN sync_metadata.replicas AS r USING (tenant) WHERE j.tenant = $1 ORDER BY j.id DESC LIMIT 1`,
      [replica.tenant],
    );
    expect(rows).toEqual([
      {
        ...{ kind: "verify", differences: "700", all: "700" },
        differing: [{ table: "user", ...counts, altered: 700 }],
      },
    ]);
    await expectRepaired();
  });

  test("of what was altered and reshaped at once repairs it all the same", async () => {
    await alterBehindDigests(`UPDATE ${table} SET age = 99 WHERE id = '1'`);
    source.table("user").columns.push("email TEXT");
    for (const row of source.table("user").rows) row.push("a@acme.example");
    await replica.verify();
    await expectRepaired();
  });

  test("keeps nothing of what it found when it is not committed", async () => {
    await intrude(`UPDATE ${table} SET name = 'altered' WHERE id = '7'`);
    source.table("user").rows.splice(5, 20);
    await expect(replica.verify()).rejects.toMatchObject({ code: "rows-vanished" });
    expect(await found()).toEqual([]);
    expect(await replica.rowsOf("user", "id")).toHaveLength(30);
  });

  test("is a first sync where there was none", async () => {
    const fresh = replicas.nextTenant();
    fresh.source.tables = source.tables;
    expect(await fresh.verify()).toMatchObject({ status: "success", differences: [] });
  });
});
