import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { canonicalPieces, exactValue, quoted, type ReadValue } from "../../host/row-batch.ts";
import type { SourceTable } from "../../protocol/message.ts";
import { RowDigester } from "../../protocol/row-digest.ts";
import { encodeValue, RawText } from "../../protocol/value.ts";
import { fromWire, type WireValue } from "../../protocol/wire-value.ts";
import { RefusalError } from "../refusal-error.ts";

/** A row as it stands in the table. */
export interface FoundRow {
  /** Canonical bytes of each column. */
  values: Buffer[];
  /** In hex. */
  digest: string;
}

/** Values of every column by name, as they come in a request. */
export type WantedRow = Readonly<Record<string, WireValue>>;

/** One table of a tenant's database that rows are written to. */
export class TargetTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly #database: DatabaseSync;
  readonly #digester: RowDigester;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, { name, columns }: SourceTable, key: readonly string[]) {
    this.name = name;
    this.columns = columns.map((column) => column.name);
    this.key = key;
    this.#database = database;
    this.#digester = new RowDigester(name, this.columns);
  }

  /** The row that a key names; undefined when there is none. */
  find(key: readonly WireValue[]): FoundRow | undefined {
    const where = this.#where(key);
    const values = this.columns.map(exactValue).join(", ");
    const sql = `SELECT ${values} FROM ${quoted(this.name)} WHERE ${where.sql} LIMIT 2`;
    const rows = this.#statement(sql).all(...where.values) as unknown as ReadValue[][];
    const [row] = rows;
    if (rows.length > 1)
      throw new RefusalError("unsupported-schema", `Table ${this.name} has two rows of one key.`);
    if (!row) return undefined;
    const pieces = row.map(canonicalPieces);
    return {
      values: pieces.map((parts) => Buffer.concat(parts)),
      digest: this.#digester.digestPieces(pieces).toString("hex"),
    };
  }

  /** The digest that a row would have if its values were stored as they are. */
  digest(row: WantedRow): string {
    return this.#digester.digestPieces(this.columns.map((name) => [encoded(row, name)])).toString("hex");
  }

  /** Adds a row. A constraint that would replace other rows refuses instead. */
  insert(row: WantedRow): void {
    const values = this.columns.map((name) => parameterOf(row[name] ?? null));
    this.#run(
      `INSERT OR ABORT INTO ${quoted(this.name)} (${this.columns.map(quoted).join(", ")}) ` +
        `VALUES (${values.map(({ sql }) => sql).join(", ")})`,
      values.map(({ value }) => value),
    );
  }

  /** Changes the columns that differ. */
  update(key: readonly WireValue[], found: FoundRow, row: WantedRow): void {
    const changed = this.columns.filter((name, at) => !found.values[at]?.equals(encoded(row, name)));
    const values = changed.map((name) => parameterOf(row[name] ?? null));
    const where = this.#where(key);
    const set = changed.map((name, at) => `${quoted(name)} = ${values[at]?.sql}`).join(", ");
    this.#run(`UPDATE OR ABORT ${quoted(this.name)} SET ${set} WHERE ${where.sql}`, [
      ...values.map(({ value }) => value),
      ...where.values,
    ]);
  }

  /** Takes a row out. */
  remove(key: readonly WireValue[]): void {
    const where = this.#where(key);
    this.#run(`DELETE FROM ${quoted(this.name)} WHERE ${where.sql}`, where.values);
  }

  /** Runs a statement that has to change one row. */
  #run(sql: string, values: SQLInputValue[]): void {
    const { changes } = this.#statement(sql).run(...values);
    if (changes !== 1n)
      throw new RefusalError("source-changed", `One row of ${this.name} was to change; ${changes} did.`);
  }

  /** `IS`, since a part of a key may be NULL. */
  #where(key: readonly WireValue[]): { sql: string; values: SQLInputValue[] } {
    const values = key.map(parameterOf);
    const terms = this.key.map((name, at) => `${quoted(name)} IS ${values[at]?.sql}`);
    return { sql: terms.join(" AND "), values: values.map(({ value }) => value) };
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

const encoded = (row: WantedRow, name: string): Buffer => encodeValue(fromWire(row[name] ?? null));

/** How a value is given to SQLite. Bytes become a text as they are; a cast would change how keys compare, so only those. */
function parameterOf(value: WireValue): { sql: string; value: SQLInputValue } {
  const plain = fromWire(value);
  return plain instanceof RawText
    ? { sql: "CAST(? AS TEXT)", value: plain.bytes }
    : { sql: "?", value: plain };
}
