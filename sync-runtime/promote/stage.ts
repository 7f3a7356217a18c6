import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { escapeIdentifier as quoted } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { RestoredRow } from "../restore/copy-reader.ts";
import type { ReplicaTable } from "../restore/replica-snapshot.ts";
import type { Violation } from "./report.ts";
import { RowText, STAGE_COLUMNS } from "./row-text.ts";
import type { StrictTable } from "./strict-schema.ts";
import type { Why } from "./strict-value.ts";

/** Lines are sent together until they are as many bytes as this. */
const CHUNK_BYTES = 256 * 1024;

/** A row's key and number, as a stage keeps it. */
interface StagedRow {
  key: Record<string, string | null>;
}

/**
 * One table's rows in a temporary table of the target, typed as the strict table and without any of its rules, so that
 * what the rules refuse can be found by asking instead of by failing. Lives as long as the transaction.
 *
 * Statements are put together from names of the target's own catalogue, quoted, and from what that catalogue says an
 * index or a check is.
 */
export class Stage {
  readonly table: StrictTable;
  readonly #client: pg.Client;
  readonly #name: string;
  readonly #rows: RowText;

  private constructor(client: pg.Client, table: StrictTable, source: ReplicaTable, number: number) {
    this.table = table;
    this.#client = client;
    this.#name = `pg_temp.promote_stage_${number}`;
    this.#rows = new RowText(table, source.columns);
  }

  static async make(
    client: pg.Client,
    table: StrictTable,
    source: ReplicaTable,
    number: number,
  ): Promise<Stage> {
    const stage = new Stage(client, table, source, number);
    const [row, key, digest] = STAGE_COLUMNS;
    // All of them: a rule may be about a column that the replica does not have.
    const columns = table.columns.map(({ name }) => quoted(name)).join(", ");
    await client.query(
      `CREATE TEMPORARY TABLE promote_stage_${number} ON COMMIT DROP AS
       SELECT NULL::bigint AS ${row}, NULL::text AS ${key}, NULL::bytea AS ${digest}, ${columns}
       FROM ${quoted(table.name)} WITH NO DATA`,
    );
    return stage;
  }

  /** Rows of the replica that were offered. */
  get rows(): number {
    return this.#rows.rows;
  }

  /** Takes what can be in the strict table as far as single values are concerned; answers the rest. */
  async fill(batches: AsyncIterable<RestoredRow[]>, progress: (rows: number) => void): Promise<Violation[]> {
    const violations: Violation[] = [];
    const columns = [...STAGE_COLUMNS, ...this.#rows.columns.map(quoted)].join(", ");
    const copy = this.#client.query(copyFrom(`COPY ${this.#name} (${columns}) FROM STDIN`));
    await pipeline(Readable.from(this.#lines(batches, violations, progress), { objectMode: false }), copy);
    await this.#client.query(`ANALYZE ${this.#name} (${STAGE_COLUMNS[0]})`);
    return violations;
  }

  async *#lines(
    batches: AsyncIterable<RestoredRow[]>,
    violations: Violation[],
    progress: (rows: number) => void,
  ): AsyncGenerator<Buffer> {
    let lines: Buffer[] = [];
    let bytes = 0;
    for await (const rows of batches) {
      for (const row of rows) {
        const line = this.#rows.line(row);
        if (!Buffer.isBuffer(line)) {
          for (const violation of line) violations.push(violation);
          continue;
        }
        lines.push(line);
        bytes += line.length;
        if (bytes < CHUNK_BYTES) continue;
        yield Buffer.concat(lines);
        lines = [];
        bytes = 0;
      }
      progress(rows.length);
    }
    if (bytes > 0) yield Buffer.concat(lines);
  }

  /** Takes out rows that a unique index or a check would refuse. Of rows with one key the first stays. */
  async removeImpossible(): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const { expressions, predicate, nulls_distinct, name } of this.table.uniques) {
      const rules = [
        ...(predicate === null ? [] : [`(${predicate})`]),
        ...(nulls_distinct ? expressions.map((expression) => `(${expression}) IS NOT NULL`) : []),
      ];
      const condition = `_promote_row IN (
        SELECT _promote_row FROM (
          SELECT _promote_row, row_number() OVER (PARTITION BY ${expressions.join(", ")} ORDER BY _promote_row) AS nth
          FROM ${this.#name} ${rules.length > 0 ? `WHERE ${rules.join(" AND ")}` : ""}
        ) AS numbered WHERE nth > 1)`;
      found.push(...(await this.#remove(condition, "duplicate", `another row has its key (${name})`)));
    }
    for (const { name, expression } of this.table.checks)
      found.push(...(await this.#remove(`NOT (${expression})`, "check", `the rule ${name} refuses it`)));
    return found;
  }

  /** Takes out rows that refer to none of another stage. */
  async removeOrphans(stages: ReadonlyMap<string, Stage>): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const { columns, to, to_columns } of this.table.references) {
      if (!columns.every((column) => this.#rows.columns.includes(column))) continue;
      const parent = stages.get(to);
      const matches = columns.map((column, index) => {
        const other = quoted(to_columns[index] as string);
        return `parent.${other} = child.${quoted(column)}`;
      });
      const refers = columns.map((column) => `child.${quoted(column)} IS NOT NULL`).join(" AND ");
      const absent = parent
        ? `NOT EXISTS (SELECT FROM ${parent.#name} AS parent WHERE ${matches.join(" AND ")})`
        : "true";
      const words = `it refers to a row of ${to} that is not there or violates the schema itself`;
      found.push(...(await this.#remove(`${refers} AND ${absent}`, "orphan", words, columns.join(", "))));
    }
    return found;
  }

  async #remove(condition: string, why: Why, words: string, column?: string): Promise<Violation[]> {
    const { rows } = await this.#client.query<StagedRow>(
      `DELETE FROM ${this.#name} AS child WHERE ${condition} RETURNING _promote_key::json AS key`,
    );
    return rows.map(({ key }) => ({
      table: this.table.name,
      key,
      ...(column !== undefined && { column }),
      why,
      found: words,
    }));
  }

  /** Writes what is left into the strict table and brings its sequences up to date. */
  async publish(): Promise<number> {
    const target = quoted(this.table.name);
    const columns = this.#rows.columns.map(quoted).join(", ");
    const { rowCount } = await this.#client.query(
      columns === ""
        ? `INSERT INTO ${target} SELECT FROM ${this.#name}`
        : `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM ${this.#name} ORDER BY _promote_row`,
    );
    for (const { name, sequence } of this.table.columns)
      if (sequence)
        await this.#client.query(
          `SELECT setval($1::regclass, coalesce(max(${quoted(name)}), 1), max(${quoted(name)}) IS NOT NULL) FROM ${target}`,
          [sequence],
        );
    return rowCount ?? 0;
  }

  /** How many rows are staged. */
  async count(): Promise<number> {
    const { rows } = await this.#client.query<{ n: string }>(`SELECT count(*) AS n FROM ${this.#name}`);
    return Number(rows[0]?.n);
  }

  /** Whether the strict table gives back exactly what was staged, by Postgres' own reading of both. */
  async equalsTarget(): Promise<boolean> {
    const { rows } = await this.#client.query<{ equal: boolean }>(
      `SELECT staged IS NOT DISTINCT FROM stored AS equal FROM
        (SELECT ${sums("_promote_digest")} AS staged FROM ${this.#name}) AS a,
        (SELECT ${sums("digest")} AS stored FROM (
          SELECT sha256(convert_to(${this.#digestText()}, 'UTF8')) AS digest FROM ${quoted(this.table.name)} OFFSET 0
        ) AS d) AS b`,
    );
    return rows[0]?.equal === true;
  }

  /** Rows of the strict table that are not staged, and staged ones that it does not have; as often as each is there. */
  async differencesOfTarget(): Promise<{ made: number; gone: number }> {
    const staged = `SELECT _promote_digest AS digest FROM ${this.#name}`;
    const stored = `SELECT sha256(convert_to(${this.#digestText()}, 'UTF8')) AS digest FROM ${quoted(this.table.name)}`;
    const { rows } = await this.#client.query<{ made: string; gone: string }>(
      `SELECT (SELECT count(*) FROM (${stored} EXCEPT ALL ${staged}) AS a) AS made,
        (SELECT count(*) FROM (${staged} EXCEPT ALL ${stored}) AS b) AS gone`,
    );
    return { made: Number(rows[0]?.made), gone: Number(rows[0]?.gone) };
  }

  /** A stored row as RowText digests it: each value as text, its length before it, N for none. */
  #digestText(): string {
    const types = new Map(this.table.columns.map(({ name, type }) => [name, type.kind]));
    const parts = this.#rows.columns.map((name) => {
      const form = (TEXT_FORMS[types.get(name) ?? ""] ?? ((column) => `${column}::text`))(quoted(name));
      return `coalesce(octet_length(${form})::text || ':' || ${form}, 'N')`;
    });
    return parts.length === 0 ? "''" : parts.join(" || ");
  }
}

/** Types whose text depends on settings, or is longer than what was sent. */
const TEXT_FORMS: Record<string, (column: string) => string> = {
  double: (column) => `encode(float8send(${column}), 'hex')`,
  date: (column) => `to_char(${column}, 'YYYY-MM-DD')`,
  timestamp: (column) => `to_char(${column}, 'YYYY-MM-DD HH24:MI:SS.US')`,
  bytes: (column) => `'\\x' || encode(${column}, 'hex')`,
};

/** Rows, and 128 bits of their digests added up, which no order of the rows changes. */
const sums = (digest: string): string =>
  `ROW(count(*), ${[1, 9].map((from) => `sum(('x' || encode(substring(${digest} from ${from} for 8), 'hex'))::bit(64)::bigint::numeric)`).join(", ")})::text`;
