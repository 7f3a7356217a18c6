import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import { PromoteError } from "./promote-error.ts";
import type { StrictType } from "./strict-value.ts";

/** A strict table, as Open WebUI made it. */
const CatalogTable = z.object({
  name: z.string(),
  columns: z.array(
    z.object({
      name: z.string(),
      /** Postgres' short name of it: `int8`, `varchar`. */
      type: z.string(),
      /** Characters; null: any number. */
      length: z.number().nullable(),
      /** NOT NULL. */
      required: z.boolean(),
      /** It has a default. */
      filled: z.boolean(),
      /** The sequence its values come from, quoted. */
      sequence: z.string().nullable(),
    }),
  ),
  uniques: z.array(
    z.object({
      name: z.string(),
      /** Columns and expressions as SQL. */
      expressions: z.array(z.string()),
      predicate: z.string().nullable(),
      nulls_distinct: z.boolean(),
    }),
  ),
  references: z.array(
    z.object({ columns: z.array(z.string()), to: z.string(), to_columns: z.array(z.string()) }),
  ),
  checks: z.array(z.object({ name: z.string(), expression: z.string() })),
  /** Its primary key; empty: none. */
  key: z.array(z.string()),
});
type CatalogTable = z.infer<typeof CatalogTable>;

/** A column with its type in this program's words. */
export interface StrictColumn extends Omit<CatalogTable["columns"][number], "type" | "length"> {
  type: StrictType;
}

export interface StrictTable extends Omit<CatalogTable, "columns"> {
  columns: StrictColumn[];
}

/** The table in which alembic keeps the schema's version. */
export const VERSION_TABLE = "alembic_version";

/** The schema of the connected database; empty where there is none yet. */
export async function readStrictSchema(client: pg.ClientBase): Promise<StrictTable[]> {
  const { rows } = await client.query(query("strict-tables"));
  return z.array(CatalogTable).parse(rows).map(strictTable);
}

function strictTable({ columns, ...table }: CatalogTable): StrictTable {
  return {
    ...table,
    columns: columns.map(({ type, length, ...column }) => ({
      ...column,
      type: strictType(type, length) ?? unknownType(table.name, column.name, type),
    })),
  };
}

function strictType(type: string, length: number | null): StrictType | undefined {
  switch (type) {
    case "bool":
      return { kind: "boolean" };
    case "int2":
      return { kind: "integer", bytes: 2 };
    case "int4":
      return { kind: "integer", bytes: 4 };
    case "int8":
      return { kind: "integer", bytes: 8 };
    case "float8":
      return { kind: "double" };
    case "varchar":
    case "text":
      return { kind: "text", ...(length !== null && { most: length }) };
    case "json":
    case "date":
    case "timestamp":
      return { kind: type };
    case "bytea":
      return { kind: "bytes" };
    default:
      return undefined;
  }
}

function unknownType(table: string, column: string, type: string): never {
  throw new PromoteError(
    "schema-unknown",
    `Column ${column} of ${table} has the type ${type}, which this program cannot fill without guessing. ` +
      "Nothing was written. Promote a version of Open WebUI that this repository knows.",
  );
}

/** Tables so that each stands behind those it refers to; one may refer to itself. */
export function inReferenceOrder(tables: readonly StrictTable[]): StrictTable[] {
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const ordered: StrictTable[] = [];
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter(({ name, references }) =>
      references.every(({ to }) => to === name || !waiting.has(to)),
    );
    if (free.length === 0)
      throw new PromoteError(
        "schema-unknown",
        `These tables refer to each other in a circle, so that none can be filled first: ${[...waiting.keys()].join(", ")}. ` +
          "Nothing was written. Promote a version of Open WebUI that this repository knows.",
      );
    for (const table of free) {
      waiting.delete(table.name);
      ordered.push(table);
    }
  }
  return ordered;
}
