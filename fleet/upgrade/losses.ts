import type { Rows, Schema } from "../on-host/tenant-version.ts";

/** A table that has fewer rows than it had; `after` null: it is gone. */
export type Loss = { table: string; before: number; after: number | null };

/** Tables in which migrations keep how far they are. */
const bookkeeping = (table: string): boolean =>
  ["alembic_version", "migratehistory"].includes(table) ||
  table.startsWith("_alembic_tmp_") ||
  table.startsWith("sqlite_");

/** What a new version made of a database, as far as rows tell. New tables and more rows are what migrations are for. */
export const lossesOf = (before: Rows, after: Rows): Loss[] =>
  Object.entries(before)
    .filter(([table, rows]) => !bookkeeping(table) && rows > (after[table] ?? 0))
    .map(([table, rows]) => ({ table, before: rows, after: after[table] ?? null }))
    .sort((a, b) => a.table.localeCompare(b.table));

/** A table may lose so much while users are at work again: what holds a replica back, too. */
const ordinary = { share: 0.3, rows: 10 };

/**
 * What cannot be users' doing in the moments since the new version answers: it is measured against what the rehearsal
 * lost, which its operator knows of.
 */
export const alarmingLosses = (before: Rows, after: Rows, known: readonly Loss[]): Loss[] =>
  lossesOf(before, after).filter(({ table, before, after }) => {
    if (known.some((loss) => loss.table === table)) return false;
    const lost = before - (after ?? 0);
    return after === null || (lost > ordinary.rows && lost > before * ordinary.share);
  });

export const lossText = (losses: readonly Loss[]): string =>
  losses
    .map(({ table, before, after }) =>
      after === null ? `${table} is gone, with ${before} rows` : `${table} has ${after} rows of ${before}`,
    )
    .join("; ");

/** What is wrong with the schema of a database that a version runs on; undefined: it is that version's own, whole. */
export function schemaFault({ is, head }: Schema): string | undefined {
  if (head.length === 0 || is.join() === head.join()) return undefined;
  return `its migrations did not get through: the schema is ${is.join(", ") || "unknown"}, and the version's own is ${head.join(", ")}`;
}
