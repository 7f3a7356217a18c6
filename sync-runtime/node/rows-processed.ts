import { labelText } from "./label-text.ts";
import { headText, inPieces, type Told } from "./metric-text.ts";

/**
 * The counter of rows, by tenant and table. The registry would hold a text and two objects for each of 43,000 tables at a
 * thousand tenants, and make one text of them all at every scrape; here the tables' names are shared, and they are told
 * a piece at a time.
 */
export class RowsProcessed {
  static readonly told: Told = {
    name: "sync_rows_processed_total",
    help: "Rows received from the agent and compared with the replica",
    type: "counter",
    labelNames: ["client", "table"],
  };
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

  /** The counter in Prometheus' text format, a piece at a time. */
  text(): Generator<string> {
    return inPieces(this.#lines());
  }

  *#lines(): Generator<string> {
    const { name } = RowsProcessed.told;
    yield `\n${headText(RowsProcessed.told)}`;
    for (const [client, tables] of this.#rows)
      for (const [table, rows] of tables)
        yield `${name}{client="${client}",table="${labelText(table)}"} ${rows}\n`;
  }
}
