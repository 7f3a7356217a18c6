import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { query } from "../database/query.ts";
import { columnType } from "../protocol/column-type.ts";
import type { SourceTable } from "../protocol/message.ts";
import type { ReplicaColumn } from "./copy-rows.ts";
import type { TableState } from "./equality.ts";
import { RowCopy } from "./row-copy.ts";

/** A table of the replica in the source's shape. */
export interface HeldTable {
  name: string;
  /** In the order in which COPY takes them. */
  columns: ReplicaColumn[];
  /** Whether it holds rows. */
  filled: boolean;
  /** The statement that fills it. */
  copy: string;
}

/** What left one table of the replica. */
export interface Retired {
  retired: number;
  /** Of these: rows whose key is gone from the source. They are kept. */
  tombstoned: number;
}

/** One table as it stands in the replica, beside what it was when last verified. */
export interface MeasuredTable extends TableState {
  /** Rows with a value that stands in `_replica_odd`. */
  unrepresentable: number;
  recorded: { rows: number; sum: string } | undefined;
}

/**
 * One tenant's replica, written over one connection inside the caller's transaction. Everything named by the tenant's
 * database is a parameter here; Postgres quotes it.
 */
export class Replica {
  readonly #client: pg.ClientBase;
  readonly #tenant: string;

  constructor(client: pg.ClientBase, tenant: string) {
    this.#client = client;
    this.#tenant = tenant;
  }

  /** Brings all tables to the source's shape; makes those that are missing. By name. */
  async define(tables: readonly SourceTable[]): Promise<Map<string, HeldTable>> {
    const wanted = tables.map(({ name, columns, key, ddl }) => ({
      name,
      columns: columns.map((column) => ({ name: column.name, type: columnType(name, column) })),
      key,
      ddl,
    }));
    const { rows } = await this.#client.query<HeldTable>(query("define-tables"), [
      this.#tenant,
      JSON.stringify(wanted),
    ]);
    return new Map(rows.map((table) => [table.name, table]));
  }

  /** Takes out the tables that the source no longer has. */
  async retireMissing(tables: readonly SourceTable[]): Promise<{ table: string; tombstoned: number }[]> {
    const names = tables.map(({ name }) => name);
    const { rows } = await this.#client.query(query("retire-missing"), [this.#tenant, names]);
    return rows.map(({ name, tombstoned }) => ({ table: name, tombstoned: Number(tombstoned) }));
  }

  /** Begins to copy rows straight into a table. */
  copyInto(table: HeldTable, source: SourceTable): RowCopy {
    return this.#copy(table.copy, table, source);
  }

  /** Begins to copy rows into a staging table of one table's shape, for {@link merge}. */
  async stage(table: HeldTable, source: SourceTable): Promise<RowCopy> {
    await this.#client.query(query("make-stage"), [this.#tenant, table.name]);
    return this.#copy(query("copy-stage"), table, source);
  }

  /** Makes a table hold exactly the rows of its filled stage. */
  async merge(table: string): Promise<Retired> {
    return this.#retired("merge-stage", table);
  }

  /** Collects digests of rows that are to go, one for each row, for {@link retire}. */
  async collectRemoved(digests: Buffer): Promise<void> {
    await this.#client.query(query("collect-removed"), [this.#tenant, digests]);
  }

  /** Takes the rows out of a table whose digests were collected. */
  async retire(table: string): Promise<Retired> {
    return this.#retired("retire-rows", table);
  }

  /** Every table as Postgres counts it now, from the digests it computed; all at one moment. */
  async measure(): Promise<MeasuredTable[]> {
    const { rows } = await this.#client.query(query("measure-replica"), [this.#tenant]);
    return rows.map((row) => ({
      name: row.name,
      rows: Number(row.rows),
      sum: row.sum,
      unrepresentable: Number(row.odd_rows),
      recorded:
        row.recorded_sum === null ? undefined : { rows: Number(row.recorded_rows), sum: row.recorded_sum },
    }));
  }

  #copy(statement: string, table: HeldTable, source: SourceTable): RowCopy {
    const names = source.columns.map(({ name }) => name);
    return new RowCopy(this.#client.query(copyFrom(statement)), names, table.columns);
  }

  async #retired(statement: string, table: string): Promise<Retired> {
    const { rows } = await this.#client.query(query(statement), [this.#tenant, table]);
    const [{ retired, tombstoned }] = rows;
    return { retired: Number(retired), tombstoned: Number(tombstoned) };
  }
}
