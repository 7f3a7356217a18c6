import type { Conflicts, Strategy } from "../../database/conflicts.ts";

export type { Conflicts, Strategy };

/** What holds where nothing was declared: requirement R8's tables, and the source for all others. */
const BY_TABLE: ReadonlyMap<string, Strategy> = new Map([
  ["user", "newest_wins"],
  ["chat", "merge"],
  ["oauth_session", "source_wins"],
  ["config", "manual"],
]);
const OTHERWISE: Strategy = "source_wins";

/** How conflicts in a table are decided: what is declared for it, its own default, the declared default, the source. */
export function strategyFor(table: string, { default: declared, tables = {} }: Conflicts): Strategy {
  const named = Object.hasOwn(tables, table) ? tables[table] : undefined;
  return named ?? BY_TABLE.get(table) ?? declared ?? OTHERWISE;
}
