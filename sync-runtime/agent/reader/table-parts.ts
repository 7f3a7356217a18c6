import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { SourceSchema } from "../../host/source-schema.ts";
import type { SourceTable } from "../../protocol/message.ts";
import { ChangedRows } from "./changed-rows.ts";
import { ChangedTree } from "./changed-tree.ts";
import type { PageView } from "./page-view.ts";
import type { Reading, TablePart, TableToRead } from "./table-part.ts";
import { TableRows } from "./table-rows.ts";
import { WholeTable } from "./whole-table.ts";

/** Rows of a table that are compared in memory, 44 bytes each; if more of it changed, it is sent whole. */
export const MOST_COMPARED_ROWS = 1_000_000;

/**
 * Plans what is sent of each table, in the schema's order; what is compared is read already.
 * @param view where rows are read off their pages; undefined: SQLite is asked for each
 */
export function planTables(
  database: DatabaseSync,
  { tables, storage }: SourceSchema,
  reading: Reading,
  view: PageView | undefined,
  mostRows: number,
): TablePart[] {
  return tables.map((table, index) => {
    const { root, rowid, record } = storage[index] as SourceSchema["storage"][number];
    const stored = view && record && rowid !== null ? { view, columns: record } : undefined;
    const rows = new TableRows(database, table, rowid, reading.limit, stored);
    return planTable(reading, { table, root: rowid === null ? null : root, rows }, mostRows);
  });
}

/**
 * A table of the same shape is compared with what the base had of it. Where another statement made it, its pages do not
 * tell what a row on them means (a default, say), and every row is compared.
 */
function planTable(reading: Reading, source: TableToRead, mostRows: number): TablePart {
  const { base, pages } = reading;
  const was = base?.table(source.table.name);
  if (!base || was?.shape !== shapeOf(source.table)) return new WholeTable(reading, source);
  const { root } = source;
  if (!pages || root === null)
    return ChangedRows.compare(reading, source, base, mostRows) ?? new WholeTable(reading, source);
  const changes = was.definition === definitionOf(source.table) ? pages.changes : undefined;
  const comparison = { base, was, trees: pages.trees, changes, mostRows };
  return (
    ChangedTree.compare(reading, { ...source, root }, comparison) ?? new WholeTable(reading, source, true)
  );
}

/** What a replica's table is made by. */
export const shapeOf = ({ name, columns }: SourceTable): string =>
  sha256(JSON.stringify([name, columns.map((column) => [column.name, column.declared])]));

/** What the meaning of a stored row depends on. */
export const definitionOf = ({ ddl }: SourceTable): string => sha256(ddl[0] ?? "");

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
