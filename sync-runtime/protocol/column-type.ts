/** The Postgres types a replica's columns have. */
export const COLUMN_TYPES = ["bigint", "boolean", "double precision", "text", "json", "bytea"] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/**
 * Columns that files born under Open WebUI <= 0.9.5 declare otherwise than they use them: moments declared DATETIME
 * that hold epoch seconds, and truth values declared INTEGER. Open WebUI on Postgres has the types given here.
 */
const LEGACY_COLUMNS: ReadonlyMap<string, ColumnType> = new Map([
  ["chat.created_at", "bigint"],
  ["chat.updated_at", "bigint"],
  ["auth.active", "boolean"],
  ["chat.archived", "boolean"],
  ["function.is_active", "boolean"],
  ["function.is_global", "boolean"],
]);

/**
 * The rules for a declared type, the first that matches; the order is SQLite's own (an INT anywhere wins), after the
 * names Open WebUI uses. DATE and DATETIME hold text: SQLite has no such type, and SQLAlchemy writes ISO strings.
 */
const RULES: readonly [RegExp, ColumnType][] = [
  [/^BOOL/, "boolean"],
  [/^JSONB?$/, "json"],
  [/INT/, "bigint"],
  [/CHAR|CLOB|TEXT|DATE|TIME/, "text"],
  [/BLOB|BINARY/, "bytea"],
  [/REAL|FLOA|DOUB|NUMERIC|DECIMAL/, "double precision"],
];

/**
 * The Postgres type of a column, from what its table declares. A declaration is only an expectation: a value that does
 * not fit is kept beside the row (see representable.ts), so any answer here is lossless. An unknown or missing
 * declaration is text.
 */
export function columnType(table: string, column: { name: string; declared: string }): ColumnType {
  const legacy = LEGACY_COLUMNS.get(`${table}.${column.name}`);
  if (legacy) return legacy;
  const declared = column.declared.trim().toUpperCase();
  return RULES.find(([pattern]) => pattern.test(declared))?.[1] ?? "text";
}
