import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { columnType } from "../../../sync-runtime/protocol/column-type.ts";
import { postgresColumns, webuiSchemaSql, webuiSchemas } from "../../support/webui-schema.ts";

/** What Postgres' types become in a replica: SQLite has text only for dates, and one width of integer. */
const AS_KEPT: Record<string, string> = {
  "character varying": "text",
  date: "text",
  "timestamp without time zone": "text",
  integer: "bigint",
};

/** Columns that older versions used otherwise than 0.12, under the same name. */
const CHANGED_SINCE: Record<string, string> = {
  "config.updated_at": "text",
  "prompt.id": "bigint",
  "user.settings": "text",
  "user.info": "text",
};

/** Every column of a schema as SQLite declares it. */
function columnsOf(schema: string): { table: string; name: string; declared: string }[] {
  const database = new DatabaseSync(":memory:");
  database.exec(webuiSchemaSql(schema));
  const rows = database
    .prepare(
      `SELECT t.name AS "table", c.name, c.type AS declared
       FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'`,
    )
    .all();
  return rows as { table: string; name: string; declared: string }[];
}

describe("a column's Postgres type", () => {
  it.each(webuiSchemas)("is the one Open WebUI itself gives it: %s", (schema) => {
    const postgres = postgresColumns();
    const columns = columnsOf(schema);
    expect(columns.length).toBeGreaterThan(100);
    if (schema.startsWith("v0.12")) expect(columns.length).toBeGreaterThanOrEqual(postgres.size);
    for (const { table, name, declared } of columns) {
      const own = postgres.get(`${table}.${name}`);
      if (own === undefined) continue;
      const type = columnType(table, { name, declared });
      expect([AS_KEPT[own] ?? own, CHANGED_SINCE[`${table}.${name}`]], `${table}.${name}`).toContain(type);
    }
  });

  it("is known from two versions that agree", () => {
    const newer = postgresColumns("v0.12.4");
    for (const [column, type] of postgresColumns("v0.11.0"))
      expect([column, newer.get(column)]).toEqual([column, type]);
  });

  it.each([
    ["", "text"],
    ["varchar(255)", "text"],
    ["INTEGER", "bigint"],
    ["UNSIGNED BIG INT", "bigint"],
    ["JSONB", "json"],
    ["boolean", "boolean"],
    ["DATETIME", "text"],
    ["BLOB", "bytea"],
    ["VARBINARY(16)", "bytea"],
    ["DOUBLE PRECISION", "double precision"],
    ["DECIMAL(10, 2)", "double precision"],
    ["whatever'; DROP", "text"],
  ])("declared %j is %s", (declared, type) => {
    expect(columnType("any", { name: "any", declared })).toBe(type);
  });
});
