import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type HeldTable, Replica } from "../../../sync-runtime/node/replica.ts";
import { COLUMN_TYPES } from "../../../sync-runtime/protocol/column-type.ts";
import { encodeValue } from "../../../sync-runtime/protocol/value.ts";
import { ClusterDatabase } from "../../support/cluster-database.ts";
import { intentOf } from "../../support/postgres.ts";
import { SEED } from "../../support/random-seed.ts";
import { sumOf } from "../node/scripted-source.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
import { vectors } from "../protocol/vectors.ts";

const cluster = ClusterDatabase.forAll(intentOf(["acme"]));
beforeAll(async () => {
  await cluster.sync.query("SELECT sync_metadata.make_tenant_schema($1)", ["acme"]);
});

describe("Postgres computes the digest that the protocol publishes", () => {
  for (const vector of vectors.rows)
    test(vector.name, async () => {
      const columns = vector.columns.map(({ name, type }) => ({ name, type }));
      await cluster.admin.query("BEGIN");
      await cluster.admin.query("CREATE TEMP TABLE row_kept (_replica_odd jsonb) ON COMMIT DROP");
      for (const { name, type } of columns)
        await cluster.admin.query(`ALTER TABLE row_kept ADD ${cluster.admin.escapeIdentifier(name)} ${type}`);
      const odd = vector.columns.filter(({ odd }) => odd).map(({ name, canonical }) => [name, canonical]);
      const stored = vector.columns.map(({ stored }) => stored);
      const places = ["", ...stored].map((_, index) => `$${index + 1}`);
      await cluster.admin.query(`INSERT INTO row_kept VALUES (${places})`, [
        odd.length > 0 ? JSON.stringify(Object.fromEntries(odd)) : null,
        ...stored,
      ]);
      const expression = await cluster.admin.query("SELECT sync_metadata.digest_expression($1, $2) AS sql", [
        vector.table,
        JSON.stringify(columns),
      ]);
      const { rows } = await cluster.admin.query(
        `SELECT encode(${expression.rows[0].sql}, 'hex') AS digest FROM row_kept`,
      );
      await cluster.admin.query("ROLLBACK");
      expect(rows[0].digest).toBe(vector.digest);
    });
});

test("any value, in a column of any type, reaches the replica with the source's digest", async () => {
  const table = {
    name: 'every "type"; of: table',
    columns: COLUMN_TYPES.map((type) => ({ name: `a ${type} column`, declared: DECLARED[type] })),
    key: null,
    ddl: [""],
  };
  const row = fc.tuple(...COLUMN_TYPES.map(() => sqliteValue));
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const expected = sumOf(table, rows).toString();
      await cluster.sync.query("BEGIN");
      const replica = new Replica(cluster.sync, "acme");
      const held = (await replica.define([table])).get(table.name);
      if (!held) throw new Error("the table was defined");
      const copy = replica.copyInto(held, table);
      await copy.write(Buffer.concat(rows.flat().map(encodeValue)));
      await copy.end();
      const measured = await replica.measure();
      await cluster.sync.query("ROLLBACK");
      expect(measured).toMatchObject([{ rows: rows.length, sum: expected }]);
    }),
    { seed: SEED, numRuns: 60 },
  );
});

test("a long row arrives whole, and its memory is given back", async () => {
  const table = { name: "long", columns: [{ name: "text", declared: "TEXT" }], key: null, ddl: [""] };
  const row = ["x".repeat(3_000_000)];
  const frame = Buffer.concat(row.map(encodeValue));
  await cluster.sync.query("BEGIN");
  const replica = new Replica(cluster.sync, "acme");
  const copy = replica.copyInto((await replica.define([table])).get("long") as HeldTable, table);
  await copy.write(frame);
  await copy.end();
  expect(await replica.measure()).toMatchObject([{ rows: 1, sum: sumOf(table, [row]).toString() }]);
  await cluster.sync.query("ROLLBACK");
  expect(frame.length).toBe(0);
});

/** A declaration for which the replica's column gets each type. */
const DECLARED = {
  bigint: "INTEGER",
  boolean: "BOOLEAN",
  "double precision": "REAL",
  text: "TEXT",
  json: "JSON",
  bytea: "BLOB",
} as const;
