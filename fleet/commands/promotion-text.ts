import type { Promotion, Violation } from "../../sync-runtime/promote/report.ts";
import { columns } from "../../toolchain/commands/status-table.ts";

/** Rows that violate the schema are told by name up to this many; the report has all of them. */
const SHOWN = 10;

/** What an operator reads behind a promotion. */
export function promotionText(promotion: Promotion, reportFile: string): string {
  const { promoted, tenant, tables, violations, notCarried, edits } = promotion;
  const left = tables.filter(({ leftOut }) => leftOut > 0);
  return [
    promoted
      ? `The strict database of ${tenant} is made. Point DATABASE_URL of an Open WebUI of its version at it; users sign in ` +
        "with the passwords they had.\nUploaded files and vectors are in no replica: they come back from backups."
      : `Nothing was written: ${violations.length === 1 ? "one thing violates" : `${violations.length} things violate`} the strict schema.`,
    ...(left.length === 0
      ? []
      : [
          "",
          ...columns([
            ["table", "rows", promoted ? "promoted" : "fit", promoted ? "left out" : "violate", "why"],
            ...left.map(({ name, rows, fit, leftOut }) => [
              name,
              String(rows),
              String(fit),
              String(leftOut),
              reasons(violations, name),
            ]),
          ]),
          "",
          ...violations.slice(0, SHOWN).map(violationText),
          ...(violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more in the report`] : []),
        ]),
    ...notCarried.map(
      ({ table, column, values }) =>
        `This version of Open WebUI has no place on Postgres for ${column === undefined ? `table ${table}` : `column ${column} of ${table}`} (${values} ${column === undefined ? "rows" : "values"}).`,
    ),
    ...(edits > 0
      ? [`${edits} edits that others made in the replica are left out: it was promoted as its source was.`]
      : []),
    ...(promoted
      ? []
      : ["", "Correct the rows in the tenant and sync, or say --leave-out to go on without them."]),
    "",
    `The report is ${reportFile}.`,
  ].join("\n");
}

/** `orphan 3, invalid-json 1` */
function reasons(violations: readonly Violation[], table: string): string {
  const counts = new Map<string, number>();
  for (const { why } of violations.filter((violation) => violation.table === table))
    counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => `${why} ${count}`).join(", ");
}

const violationText = ({ table, key, column, found }: Violation): string =>
  `${table}${column === undefined ? "" : `.${column}`} of ${JSON.stringify(key)}: ${found}`;
