import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { run } from "../../tests/support/fleet/command.ts";
import type { Replica } from "./replication.ts";
import type { Workbench } from "./workbench.ts";

export type CopyFormat = "text" | "binary";

/** One table of the source as the replica types it. */
export interface CopyTable {
  name: string;
  columns: { name: string; type: string }[];
}

/** Types whose values may be large, compressed in a replica with lz4. */
const LARGE = new Set(["text", "json", "bytea"]);

const identifiers = (columns: CopyTable["columns"]) =>
  columns.map(({ name }) => pg.escapeIdentifier(name)).join(", ");

/** A table's file, as Postgres sees it. */
const fileOf = (place: number, format: CopyFormat) => `/bench/${place}.${format}`;

/** What psql is told: tables of the same columns without digests, then their rows, in one transaction. */
export function copyScript(tables: readonly CopyTable[], format: CopyFormat): string {
  const clock = "SELECT extract(epoch FROM clock_timestamp());";
  const create = tables.map(({ name, columns }) => {
    const typed = columns.map(
      (column) =>
        `${pg.escapeIdentifier(column.name)} ${column.type}${LARGE.has(column.type) ? " COMPRESSION lz4" : ""}`,
    );
    return `CREATE TABLE ${pg.escapeIdentifier(name)} (${typed.join(", ")});`;
  });
  const copy = tables.map(
    ({ name, columns }, place) =>
      `\\copy ${pg.escapeIdentifier(name)} (${identifiers(columns)}) FROM '${fileOf(place, format)}' (FORMAT ${format})`,
  );
  return [clock, "BEGIN;", ...create, ...copy, "COMMIT;", clock, ""].join("\n");
}

/** Writes every row of a replica into files that COPY reads. */
export async function exportRows(bench: Workbench, replica: Replica): Promise<CopyTable[]> {
  const tables = await replica.tables();
  for (const format of ["text", "binary"] as const) {
    for (const [place, { name, columns }] of tables.entries())
      await replica.admin.query(
        `COPY (SELECT ${identifiers(columns)} FROM tenant_bench.${pg.escapeIdentifier(name)})
         TO '${fileOf(place, format)}' (FORMAT ${format})`,
      );
    await writeFile(join(bench.folder, `${format}.sql`), copyScript(tables, format));
  }
  return tables;
}

/** Has psql load the exported rows into an empty database; gives its seconds from before BEGIN until after COMMIT. */
export async function loadWithCopy(bench: Workbench, database: string, format: CopyFormat): Promise<number> {
  const { stdout } = await run([
    ...["docker", "exec", "--user", "postgres", bench.container],
    ...["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"],
    ...["--dbname", database, "--file", `/bench/${format}.sql`],
  ]);
  const [began = Number.NaN, ended = Number.NaN] = stdout.trim().split("\n").map(Number);
  return ended - began;
}
