import { DatabaseSync } from "node:sqlite";
import { webuiSchemaSql } from "./webui-schema.ts";

interface Entry {
  type: string;
  name: string;
  tbl_name: string;
  sql: string;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

const entriesOf = (database: DatabaseSync, type: "table" | "index"): Entry[] =>
  database
    .prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'",
    )
    .all(type) as unknown as Entry[];

/**
 * Takes a database to another version's shape as the application's own migrations do: tables are made anew beside the
 * old ones, what both have is copied, the old ones go. What the new shape lacks is lost, and so are the rowids.
 */
export function upgradeWebuiDatabase(database: DatabaseSync, schema: string): void {
  using target = new DatabaseSync(":memory:");
  target.exec(webuiSchemaSql(schema));
  const wanted = entriesOf(target, "table");
  const before = new Map(entriesOf(database, "table").map((entry) => [entry.name, entry]));
  database.exec("BEGIN IMMEDIATE; PRAGMA legacy_alter_table = ON");
  for (const { name } of entriesOf(database, "index")) database.exec(`DROP INDEX ${quoted(name)}`);
  for (const { name, sql } of wanted) {
    const old = before.get(name);
    before.delete(name);
    if (old?.sql === sql) continue;
    if (old) database.exec(`ALTER TABLE "${name}" RENAME TO "_alembic_tmp_${name}"`);
    database.exec(sql);
    if (old) {
      copyShared(database, `_alembic_tmp_${name}`, name);
      database.exec(`DROP TABLE "_alembic_tmp_${name}"`);
    }
  }
  for (const name of before.keys()) database.exec(`DROP TABLE ${quoted(name)}`);
  for (const { sql } of entriesOf(target, "index")) database.exec(sql);
  database.exec("PRAGMA legacy_alter_table = OFF; COMMIT");
}

/** Copies the columns that both tables have; a new one that must not be NULL gets what its type has for nothing. */
function copyShared(database: DatabaseSync, from: string, to: string): void {
  const columns = (table: string) =>
    database.prepare('SELECT name, type, "notnull", dflt_value FROM pragma_table_info(?)').all(table);
  const old = new Set(columns(from).map(({ name }) => name));
  const copied = columns(to).flatMap(({ name, type, notnull, dflt_value }) => {
    if (old.has(name)) return [{ name, value: notnull ? `coalesce("${name}", '')` : `"${name}"` }];
    if (notnull && dflt_value === null) return [{ name, value: /JSON/.test(String(type)) ? "'{}'" : "0" }];
    return [];
  });
  const names = copied.map(({ name }) => `"${name}"`).join(", ");
  const values = copied.map(({ value }) => value).join(", ");
  database.exec(`INSERT OR IGNORE INTO "${to}" (${names}) SELECT ${values} FROM "${from}"`);
}
