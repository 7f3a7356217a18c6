import fc from "fast-check";
import type { SqliteValue } from "../../../sync-runtime/protocol/value.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";

/** Names that some layer could take for something else. */
const TABLES = [
  "t",
  "user",
  "group",
  'odd "name"',
  "Ünïcode 𐐷",
  "select",
  "sqlitey",
  "t;--",
  "odd",
  "s",
  "digest",
  "a.b",
];
const COLUMNS = [
  "id",
  "rowid",
  "oid",
  "select",
  'a"b',
  "Größe",
  "odd",
  "digest",
  "source",
  "t",
  "x'y",
  "n",
  "_row",
];
const DECLARED = [
  "",
  "TEXT",
  "INTEGER",
  "REAL",
  "BLOB",
  "JSON",
  "BOOLEAN",
  "DATETIME",
  "NUMERIC",
  "VARCHAR(9)",
  "ANY",
  "BIGINT",
];

const name = fc.constantFrom(...TABLES);
const number = fc.nat({ max: 1_000_000 });

/** A long text or blob, written short so that a failure can be read. */
export interface LongValue {
  long: "text" | "blob";
  bytes: number;
}
export type AnyValue = SqliteValue | LongValue;

/** Values of any class, some longer than a page and some longer than a frame. */
const value: fc.Arbitrary<AnyValue> = fc.oneof(
  { weight: 12, arbitrary: sqliteValue },
  {
    weight: 3,
    arbitrary: fc.record({
      long: fc.constantFrom("text", "blob"),
      bytes: fc.oneof(fc.integer({ min: 400, max: 30_000 }), fc.integer({ min: 30_000, max: 400_000 })),
    }),
  },
);

const column = fc.record({ name: fc.constantFrom(...COLUMNS), declared: fc.constantFrom(...DECLARED) });
const columns = fc.uniqueArray(column, { minLength: 1, maxLength: 5, selector: (c) => c.name.toLowerCase() });
const KEYS = [
  "none",
  "none",
  "rowid",
  "autoincrement",
  "descending",
  "text",
  "composite",
  "unique",
  "nocase",
  "without rowid",
  "without rowid composite",
] as const;
const shape = fc.record({
  columns,
  key: fc.constantFrom(...KEYS),
  generated: fc.constantFrom("", "", "VIRTUAL", "STORED"),
  index: fc.boolean(),
});
export type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

const rows = fc.array(fc.array(value, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 12 });

/** One thing that is done to a database between two syncs. Numbers pick tables, rows and columns there are. */
export const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("insert"), table: number, rows }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("insert many"),
      table: number,
      count: fc.integer({ min: 20, max: 400 }),
      value,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("update"),
      table: number,
      column: number,
      every: fc.integer({ min: 1, max: 9 }),
      value,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("delete"), table: number, every: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("swap"), table: number, column: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("roll back"), table: number, value }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("create"), name, shape }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop"), table: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("recreate"), table: number, shape, rows }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("rename"), table: number, name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("add column"),
      table: number,
      column,
      value: fc.oneof(fc.constant(null), value),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("drop column"), table: number, column: number }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("rename column"),
      table: number,
      column: number,
      name: fc.constantFrom(...COLUMNS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("index"), table: number, column: number }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "vacuum",
        "checkpoint",
        "reopen",
        "wal",
        "rollback",
        "shuffle pages",
        "view",
        "settings",
      ),
    }),
  },
);
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
