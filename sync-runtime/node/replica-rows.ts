import * as z from "zod";
import { labelText } from "./label-text.ts";
import type { Postgres } from "./postgres.ts";

/** Tenants whose tables are asked for, and told, at a time. */
const TENANTS_AT_ONCE = 100;

/**
 * The gauge that is not kept in memory as all others are: a thousand tenants have 43,000 tables, which would be 25 MB
 * of a node. It goes from Postgres to whoever asks.
 */
export const replicaRows = {
  name: "replica_rows",
  help: "Rows in the replica when it was last verified",
  labelNames: ["client", "table"],
} as const;

/** One row of replica-rows.sql. */
const TenantRows = z.object({ tenant: z.string(), tables: z.array(z.tuple([z.string(), z.number()])) });
type TenantRows = z.infer<typeof TenantRows>;

/** The gauge in Prometheus' text format, some tenants at a time. */
export async function* replicaRowsText(postgres: Pick<Postgres, "rows">): AsyncGenerator<string> {
  yield `\n# HELP ${replicaRows.name} ${replicaRows.help}\n# TYPE ${replicaRows.name} gauge\n`;
  for (let after: string | null = null; ; ) {
    const rows: TenantRows[] = z
      .array(TenantRows)
      .parse(await postgres.rows("replica-rows", [after, TENANTS_AT_ONCE]));
    const text = rows.map(linesOf).join("");
    if (text !== "") yield text;
    if (rows.length < TENANTS_AT_ONCE) return;
    after = rows.at(-1)?.tenant ?? null;
  }
}

const linesOf = ({ tenant, tables }: TenantRows): string =>
  tables
    .map(([table, rows]) => `${replicaRows.name}{client="${tenant}",table="${labelText(table)}"} ${rows}\n`)
    .join("");
