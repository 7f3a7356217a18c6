import { constants, type DatabaseSync } from "node:sqlite";
import { readSchema } from "../../host/source-schema.ts";
import { schemaDigest } from "../../protocol/schema-digest.ts";
import { RefusalError } from "../refusal-error.ts";
import { TargetTable } from "./target-table.ts";

/**
 * The tables that a request writes, if they are made as the sync saw them and rows can be written without more
 * happening than that. Tables that are not written may be as they like.
 * @param schema digest by table
 */
export function targetTables(
  database: DatabaseSync,
  schema: Readonly<Record<string, string>>,
): Map<string, TargetTable> {
  const { tables, skipped } = readSchema(database);
  const found = new Map(tables.map((table) => [table.name, table]));
  const targets = Object.entries(schema).map(([name, digest]): [string, TargetTable] => {
    const table = found.get(name);
    const why = skipped.find((entry) => entry.name === name)?.why;
    if (!table && why) throw unsupported(name, why);
    if (!table) throw new RefusalError("schema-changed", `There is no table ${name}.`, { table: name });
    if (hasHiddenColumns(database, name)) throw unsupported(name, "it has a generated column");
    if (table.ddl.some((statement) => TRIGGER.test(statement))) throw unsupported(name, "it has a trigger");
    if (table.key === null) throw unsupported(name, "it has no key");
    if (schemaDigest(table) !== digest)
      throw new RefusalError("schema-changed", `Table ${name} is not made as the sync saw it.`, {
        table: name,
      });
    return [name, new TargetTable(database, table, table.key)];
  });
  allowOnly(database, new Set(targets.map(([name]) => name)));
  return new Map(targets);
}

/** As SQLite keeps a statement that makes one. */
const TRIGGER = /^CREATE\s+TRIGGER\s/i;

const unsupported = (table: string, why: string) =>
  new RefusalError("unsupported-schema", `Rows of ${table} cannot be written: ${why}.`, { table });

const hasHiddenColumns = (database: DatabaseSync, table: string): boolean =>
  database.prepare("SELECT 1 FROM pragma_table_xinfo(?) WHERE hidden <> 0").all(table).length > 0;

/** What a statement may do, beside reading and writing {@link targetTables}. */
const HARMLESS = new Set([constants.SQLITE_SELECT, constants.SQLITE_FUNCTION, constants.SQLITE_TRANSACTION]);
const ROWS = new Set([
  constants.SQLITE_READ,
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
]);

/**
 * From now on statements that would touch anything else do not compile. So a trigger is found that a forged schema
 * hides under another table's name: its statements would run within ours.
 */
function allowOnly(database: DatabaseSync, tables: ReadonlySet<string>): void {
  database.setAuthorizer((action, table, _column, schema, trigger) => {
    const isOwn = ROWS.has(action) && schema === "main" && tables.has(table ?? "");
    const isAllowed = trigger === null && (isOwn || HARMLESS.has(action));
    return isAllowed ? constants.SQLITE_OK : constants.SQLITE_DENY;
  });
}
