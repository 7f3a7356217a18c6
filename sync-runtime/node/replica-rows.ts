import * as z from "zod";
import { labelText } from "./label-text.ts";
import { headText, inPieces, type Told } from "./metric-text.ts";
import type { Postgres } from "./postgres.ts";

/** Tenants whose tables are asked for at a time. */
const TENANTS_AT_ONCE = 100;

/**
 * The gauge that is not kept in memory as all others are: a thousand tenants have 43,000 tables, which would be 25 MB
 * of a node. It goes from Postgres to whoever asks.
 */
export const replicaRows: Told = {
  name: "replica_rows",
  help: "Rows in the replica when it was last verified",
  type: "gauge",
  labelNames: ["client", "table"],
};

/** One row of replica-rows.sql; the tables as JSON that is read when they are told, so that they are not all there at once. */
const TenantRows = z.object({ tenant: z.string(), tables: z.string() });
type TenantRows = z.infer<typeof TenantRows>;
const Tables = z.array(z.tuple([z.string(), z.number()]));

/** The gauge in Prometheus' text format, a piece at a time. */
export async function* replicaRowsText(postgres: Pick<Postgres, "rows">): AsyncGenerator<string> {
  yield `\n${headText(replicaRows)}`;
  for (let after: string | null = null; ; ) {
    const rows: TenantRows[] = z
      .array(TenantRows)
      .parse(await postgres.rows("replica-rows", [after, TENANTS_AT_ONCE]));
    yield* inPieces(linesOf(rows));
    if (rows.length < TENANTS_AT_ONCE) return;
    after = rows.at(-1)?.tenant ?? null;
  }
}

function* linesOf(tenants: readonly TenantRows[]): Generator<string> {
  for (const { tenant, tables } of tenants)
    for (const [table, rows] of Tables.parse(JSON.parse(tables)))
      yield `${replicaRows.name}{client="${tenant}",table="${labelText(table)}"} ${rows}\n`;
}
