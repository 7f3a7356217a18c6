import { readdirSync, readFileSync } from "node:fs";

const directory = new URL("schemas/", import.meta.url);

/** The schemas at hand, oldest first, such as `v0.11.3-fresh`. */
export const webuiSchemas: readonly string[] = readdirSync(directory)
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length))
  .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** The statements that make an empty database of one schema. */
export const webuiSchemaSql = (schema: string): string =>
  readFileSync(new URL(`${schema}.sql`, directory), "utf8");

/** What Open WebUI has on Postgres: `table.column` -> type. 0.12.4 has every column of 0.11.0, with its type. */
export function postgresColumns(version: "v0.11.0" | "v0.12.4" = "v0.12.4"): Map<string, string> {
  const lines = readFileSync(new URL(`pg-columns-${version}.tsv`, directory), "utf8")
    .trim()
    .split("\n");
  return new Map(
    lines.map((line) => {
      const [table, column, type] = line.split("\t");
      return [`${table}.${column}`, type as string];
    }),
  );
}
