import { labelText } from "./label-text.ts";

/** Tenants whose lines are told at a time. */
const TENANTS_AT_ONCE = 100;

/**
 * The counter of rows, by tenant and table. The registry would hold a text and two objects for each of 43,000 tables at a
 * thousand tenants, and make one text of them all at every scrape; here the tables' names are shared, and they are told
 * some tenants at a time.
 */
export class RowsProcessed {
  static readonly told = {
    name: "sync_rows_processed_total",
    help: "Rows received from the agent and compared with the replica",
    labelNames: ["client", "table"],
  } as const;
  readonly #rows = new Map<string, Map<string, number>>();
  /** Every table's name once, whichever tenant it came with. */
  readonly #names = new Map<string, string>();

  /** Counts rows of one table of a tenant. */
  add(client: string, table: string, rows: number): void {
    if (!this.#names.has(table)) this.#names.set(table, table);
    const name = this.#names.get(table) ?? table;
    const tables = this.#rows.get(client) ?? new Map<string, number>();
    if (tables.size === 0) this.#rows.set(client, tables);
    tables.set(name, (tables.get(name) ?? 0) + rows);
  }

  /** The counter in Prometheus' text format, some tenants at a time. */
  *text(): Generator<string> {
    const { name, help } = RowsProcessed.told;
    yield `\n# HELP ${name} ${help}\n# TYPE ${name} counter\n`;
    let lines: string[] = [];
    let tenants = 0;
    for (const [client, tables] of this.#rows) {
      for (const [table, rows] of tables)
        lines.push(`${name}{client="${client}",table="${labelText(table)}"} ${rows}\n`);
      tenants += 1;
      if (tenants % TENANTS_AT_ONCE > 0) continue;
      yield lines.join("");
      lines = [];
    }
    if (lines.length > 0) yield lines.join("");
  }
}
