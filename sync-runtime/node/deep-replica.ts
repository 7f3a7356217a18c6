import type pg from "pg";
import * as z from "zod";
import { query } from "../database/query.ts";
import type { SourceTable } from "../protocol/message.ts";
import { NotEqualError } from "./equality.ts";
import type { Job } from "./job.ts";
import { type HeldTable, Replica, type Retired } from "./replica.ts";

/** Differences kept one by one with a job, at most; all of them are counted. */
const KEPT = 500;

const Counts = z.object({
  altered: z.coerce.number(),
  missing: z.coerce.number(),
  extra: z.coerce.number(),
  digest: z.coerce.number(),
});

/**
 * Rows of one table that a deep verification found to differ. `altered`: the replica had other values. `missing`: it
 * had no such row. `extra`: the source has none. `digest`: the row was right, and its stored digest was not.
 */
export interface TableDifferences extends z.infer<typeof Counts> {
  table: string;
}

const Recorded = z.object({
  name: z.string(),
  columns: z.unknown(),
  rows: z.coerce.number(),
  sum: z.string().nullable(),
});
const ReadBack = z.object({
  rows: z.coerce.number(),
  sum: z.string(),
  wrong: z.coerce.number(),
  generated: z.boolean(),
});

/**
 * A replica whose every row is read back: Postgres computes each digest anew from the values it holds, and what was
 * stored as digest counts for nothing. A table that is not what the last sync left is compared row by row with the
 * source before it is merged, so that what differed is known when it has been repaired.
 *
 * The source has gone on since that last sync: in a table that was altered, rows that it wrote meanwhile are told among
 * the differences. A table that nobody altered has none, whatever the source wrote.
 */
export class DeepReplica extends Replica {
  readonly #client: pg.ClientBase;
  readonly #job: Job;
  /** By name, with the shape they had: tables that are not what the last sync left in them. */
  readonly #damaged = new Map<string, { columns: string; reshaped: boolean }>();
  readonly #found: TableDifferences[] = [];

  constructor(client: pg.ClientBase, job: Job) {
    super(client, job.tenant);
    this.#client = client;
    this.#job = job;
  }

  /** Names of the tables that somebody altered. */
  get damaged(): ReadonlySet<string> {
    return new Set(this.#damaged.keys());
  }

  /** What differed, of the tables in which something did. */
  get differences(): TableDifferences[] {
    return this.#found.filter((counts) => total(counts) > 0);
  }

  /** Rows that differed, in all. */
  get differing(): number {
    return this.#found.reduce((sum, counts) => sum + total(counts), 0);
  }

  /** Reads every row of every table; afterwards every stored digest is right again. */
  async readBack(): Promise<void> {
    const { tenant } = this.#job;
    const { rows } = await this.#client.query(query("recorded-tables"), [tenant]);
    for (const { name, columns, rows: held, sum } of z.array(Recorded).parse(rows)) {
      if (sum === null) continue;
      const found = await this.#readTable(name);
      if (found.generated && found.wrong === 0 && found.rows === held && found.sum === sum) continue;
      this.#damaged.set(name, { columns: JSON.stringify(columns), reshaped: false });
      if (found.generated && found.wrong === 0) continue;
      await this.#client.query(query("note-mismatched"), [tenant, name]);
      await this.#client.query(query("rebuild-digests"), [tenant, name]);
    }
  }

  /** A damaged table is never written to directly, also when nothing is left in it: it has to be compared. */
  override async define(tables: readonly SourceTable[]): Promise<Map<string, HeldTable>> {
    const defined = await super.define(tables);
    for (const table of defined.values()) {
      const damaged = this.#damaged.get(table.name);
      if (!damaged) continue;
      table.filled = true;
      damaged.reshaped = JSON.stringify(table.columns) !== damaged.columns;
    }
    return defined;
  }

  /** Compares, then merges. What was reshaped in the same sync cannot be compared any more. */
  override async merge(table: string): Promise<Retired> {
    if (this.#damaged.get(table)?.reshaped === false) await this.#compare(table);
    return super.merge(table);
  }

  /** Reads the tables that were repaired once more: what is committed has been computed from what is stored. */
  async requireRepaired(): Promise<void> {
    const { rows } = await this.#client.query(query("recorded-tables"), [this.#job.tenant]);
    const present = new Set(
      z
        .array(Recorded)
        .parse(rows)
        .map(({ name }) => name),
    );
    const wrong: string[] = [];
    for (const name of this.damaged)
      if (present.has(name) && (await this.#readTable(name)).wrong > 0) wrong.push(name);
    if (wrong.length > 0)
      throw new NotEqualError(
        wrong.map((name) => `${name} has digests that are not those of its rows`),
        "Nothing of this verification was kept. Postgres does not compute what it should: look at its log and its disks.",
      );
  }

  async #readTable(table: string): Promise<z.infer<typeof ReadBack>> {
    const { rows } = await this.#client.query(query("read-back"), [this.#job.tenant, table]);
    return ReadBack.parse(rows[0]);
  }

  async #compare(table: string): Promise<void> {
    const kept = this.#found.reduce((sum, counts) => sum + Math.min(total(counts), KEPT), 0);
    const { tenant, id } = this.#job;
    const { rows } = await this.#client.query(query("compare-stage"), [
      tenant,
      table,
      id,
      Math.max(0, KEPT - kept),
    ]);
    this.#found.push({ table, ...Counts.parse(rows[0]) });
  }
}

const total = ({ altered, missing, extra, digest }: TableDifferences): number =>
  altered + missing + extra + digest;
