import pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import * as z from "zod";
import type { Connection } from "../database/connection.ts";
import { query } from "../database/query.ts";
import { COLUMN_TYPES } from "../protocol/column-type.ts";
import { SourceFile } from "../protocol/message.ts";
import { type RestoredRow, readCopiedRows } from "./copy-reader.ts";
import { RestoreError } from "./restore-error.ts";

/** How long a server may take to answer at all. */
const CONNECT_MS = 10_000;

/** A table as the replica has it, with what was counted when it was last verified. */
const ReplicaTable = z.object({
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.enum(COLUMN_TYPES) })).min(1),
  /** The statements that made it, then its indexes and triggers. */
  ddl: z.array(z.string()).min(1),
  /** null: never verified. */
  rows: z.coerce.number().nullable(),
  sum: z.string().nullable(),
  /** The statement that reads it; Postgres put the names in. */
  copy: z.string(),
});
export type ReplicaTable = z.infer<typeof ReplicaTable>;

/** What is known about a replica as a whole. */
const Replica = z.object({
  identity: z.string().nullable(),
  /** ISO 8601; null: never. */
  verified_at: z.string().nullable(),
  /** Rows counted when it was last verified. */
  rows: z.coerce.number(),
  /** Why the nodes let it follow no further change; null while they do. */
  held: z.string().nullable(),
  /** null: kept before files could be restored whole; tables are there, views and settings are not. */
  source: SourceFile.nullable(),
});
export type Replica = z.infer<typeof Replica>;

/** One tenant's replica as it is at one moment, read over one connection in one transaction that writes nothing. */
export class ReplicaSnapshot implements AsyncDisposable {
  readonly #client: pg.Client;
  readonly #tenant: string;

  private constructor(client: pg.Client, tenant: string) {
    this.#client = client;
    this.#tenant = tenant;
  }

  /** Connects, with the rights of the fleet's owner where the role has them: they do not end at a cluster. */
  static async open(connection: Connection, tenant: string): Promise<ReplicaSnapshot> {
    const { ca, ...server } = connection;
    const client = new pg.Client({
      ...server,
      ssl: ca ? { ca } : false,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    });
    // A connection that breaks fails the statement in flight too.
    client.on("error", () => {});
    try {
      await client.connect();
      // Hosted servers end what takes two minutes; a large table takes more.
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0");
      await client.query(query("read-as-owner"));
      return new ReplicaSnapshot(client, tenant);
    } catch (cause) {
      await client.end().catch(() => {});
      throw new RestoreError(
        "database-unreachable",
        `The replicas' database at ${server.host}:${server.port} cannot be asked: ${(cause as Error).message}. ` +
          "Nothing was changed. Bring it up (`npm run up` does where it belongs to the stack) and run this again.",
        { cause },
      );
    }
  }

  /** What is known of the replica; undefined when there is none, or no replica was ever kept in this database. */
  async replica(): Promise<Replica | undefined> {
    const { rows: migrated } = await this.#client.query(query("replicas-exist"));
    if (migrated.length === 0) return undefined;
    const { rows } = await this.#client.query(query("restore-replica"), [this.#tenant]);
    return rows.length === 0 ? undefined : Replica.parse(rows[0]);
  }

  async tables(): Promise<ReplicaTable[]> {
    const { rows } = await this.#client.query(query("restore-tables"), [this.#tenant]);
    return z.array(ReplicaTable).parse(rows);
  }

  /** A table's rows as they were when it was last verified, some at a time. */
  rows({ copy, columns }: ReplicaTable): AsyncGenerator<RestoredRow[]> {
    return readCopiedRows(this.#client.query(copyTo(copy)), columns);
  }

  /** How many edits of others stand in the replica, all of which {@link rows} leaves out. */
  async edits(): Promise<number> {
    const { rows } = await this.#client.query<{ edits: string }>(query("count-edits"), [this.#tenant]);
    return Number(rows[0]?.edits);
  }

  /** Asks for something else at the same moment. */
  async ask<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#client.query<Row>(text, values)).rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
