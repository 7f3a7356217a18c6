import { once } from "node:events";
import { finished } from "node:stream/promises";
import type pg from "pg";
import { type CopyStreamQuery, from as copyFrom } from "pg-copy-streams";
import { query } from "../database/query.ts";
import { columnType } from "../protocol/column-type.ts";
import type { SourceTable } from "../protocol/message.ts";
import { COPY_HEAD, COPY_TAIL, CopyRows, type ReplicaColumn } from "./copy-rows.ts";
import type { TableState } from "./equality.ts";

/** What {@link Replica.merge} did to one table. */
export interface Merged {
  inserted: number;
  retired: number;
  /** Of the retired: those whose key is gone from the source. */
  tombstoned: number;
}

/** One table as it stands in the replica, beside what it was when last verified. */
export interface MeasuredTable extends TableState {
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

  /** Makes the schema, where it does not exist. */
  async make(): Promise<void> {
    await this.#client.query(query("make-tenant-schema"), [this.#tenant]);
  }

  /** Brings a table to the source's shape and makes its empty staging table. */
  async stage(table: SourceTable): Promise<Stage> {
    const wanted = table.columns.map((column) => ({
      name: column.name,
      type: columnType(table.name, column),
    }));
    const { rows } = await this.#client.query<{ columns: ReplicaColumn[] }>(query("define-table"), [
      this.#tenant,
      table.name,
      JSON.stringify(wanted),
      table.key,
      table.ddl.join(";\n"),
    ]);
    await this.#client.query(query("make-stage"), [this.#tenant, table.name]);
    const names = wanted.map(({ name }) => name);
    return new Stage(this.#client.query(copyFrom(query("copy-stage"))), names, rows[0]?.columns ?? []);
  }

  /** Makes a table hold exactly the rows of its filled stage. */
  async merge(table: string): Promise<Merged> {
    const { rows } = await this.#client.query(query("merge-stage"), [this.#tenant, table]);
    const [{ inserted, retired, tombstoned }] = rows;
    return { inserted: Number(inserted), retired: Number(retired), tombstoned: Number(tombstoned) };
  }

  /** Takes out a table that the source no longer has. */
  async retireTable(table: string): Promise<void> {
    await this.#client.query(query("retire-table"), [this.#tenant, table]);
  }

  /** Every table as Postgres counts it now, from the digests it computed; all at one moment. */
  async measure(): Promise<MeasuredTable[]> {
    const { rows } = await this.#client.query(query("measure-replica"), [this.#tenant]);
    return rows.map((row) => ({
      name: row.name,
      rows: Number(row.rows),
      sum: row.sum,
      recorded:
        row.recorded_sum === null ? undefined : { rows: Number(row.recorded_rows), sum: row.recorded_sum },
    }));
  }
}

/** A table's staging table while it is filled. */
export class Stage {
  readonly #copy: CopyStreamQuery;
  readonly #rows: CopyRows;
  /** Rejects when the COPY fails; the stream tells that once only, whoever listens at that moment. */
  readonly #failed: Promise<never>;
  #failure: Error | undefined;

  constructor(copy: CopyStreamQuery, source: readonly string[], replica: readonly ReplicaColumn[]) {
    this.#copy = copy;
    this.#rows = new CopyRows(source, replica);
    this.#failed = new Promise((_, reject) => {
      copy.on("error", (error: Error) => {
        this.#failure = error;
        reject(error);
      });
    });
    this.#failed.catch(() => {});
    copy.write(COPY_HEAD);
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows.rows;
  }

  /** Of those: rows of which something stands in `_replica_odd`. */
  get oddRows(): number {
    return this.#rows.oddRows;
  }

  /** Writes one frame of whole rows; resolves when Postgres takes more, so that memory stays bounded. */
  async write(frame: Buffer): Promise<void> {
    for (const part of this.#rows.encode(frame)) {
      if (this.#failure) throw this.#failure;
      if (!this.#copy.write(part)) await Promise.race([once(this.#copy, "drain"), this.#failed]);
    }
  }

  /** Ends the COPY; resolves when Postgres has all rows and has computed their digests. */
  async end(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#copy.end(COPY_TAIL);
    await Promise.race([finished(this.#copy), this.#failed]);
  }
}
