import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientBase } from "pg";
import { query } from "./query.ts";

/** One numbered step of the schema. */
export interface Migration {
  version: number;
  /** File name without its ending: `0004-sync-jobs`. */
  name: string;
  sql: string;
}

/** The database was migrated by a newer program than this one. */
export class SchemaTooNewError extends Error {
  override name = "SchemaTooNewError";
  readonly code = "schema-too-new";

  constructor(found: number, known: number) {
    super(
      `The database's schema has version ${found}, this program knows versions up to ${known}. ` +
        "Nothing was changed. Run the version of this repository that made it, or a newer one.",
    );
  }
}

/** The steps this program knows, oldest first. Their numbers run from 1 without a gap. */
export function readMigrations(folder = join(import.meta.dirname, "migrations")): Migration[] {
  const names = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  return names.sort().map((file, index) => {
    const version = Number.parseInt(file, 10);
    if (version !== index + 1)
      throw new Error(`Migration ${file} should have the number ${index + 1}: number them without gaps.`);
    return { version, name: file.replace(/\.sql$/, ""), sql: readFileSync(join(folder, file), "utf8") };
  });
}

/**
 * Applies the steps that are missing, inside the caller's transaction and as its current role, which then owns what
 * they make. Forward only: there is no way back but a backup.
 * @returns the version the schema has now, and the names of the steps that were applied
 */
export async function migrate(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<{ version: number; migrated: string[] }> {
  await client.query(query("make-migrations"));
  const applied = await client.query<{ version: number }>(query("schema-version"));
  const version = applied.rows[0]?.version ?? 0;
  const known = migrations.at(-1)?.version ?? 0;
  if (version > known) throw new SchemaTooNewError(version, known);

  const missing = migrations.filter((migration) => migration.version > version);
  for (const { version, name, sql } of missing) {
    await client.query(sql);
    await client.query(query("record-migration"), [version, name]);
  }
  return { version: known, migrated: missing.map(({ name }) => name) };
}
