import { faultPoint } from "../fault-point.ts";
import {
  type Header,
  type Message,
  type SourceFile,
  type SourceTable,
  StreamError,
} from "../protocol/message.ts";
import { failureOf } from "./agent-client.ts";
import { differences, NotEqualError, requireUntouched, type TableState } from "./equality.ts";
import { HeldError, type Hold, requirePlausible } from "./hold.ts";
import type { ProgressListener } from "./progress.ts";
import type { HeldTable, MeasuredTable, Replica } from "./replica.ts";
import { type LoadedTable, TableLoad } from "./table-load.ts";

/** What is known about a replica before a sync. */
export interface ReplicaBefore {
  tenant: string;
  /** The identity of the data whose copy it is; null before the first sync. */
  identity: string | null;
  /** The sync that was named to the agent as committed. */
  committed: string | null;
  /** Rows it held when it was last verified. */
  rows: number;
  /** What it is held for already. */
  hold: Hold | undefined;
}

/** A replica that was found equal to its source, in a transaction still open. */
export interface Loaded {
  status: "success" | "unchanged";
  sync: string;
  identity: string;
  /** Every table as Postgres counted it. */
  tables: MeasuredTable[];
  /** What came for each table, and what left it; tables without work are not named. */
  received: LoadedTable[];
  /** Tables that the source no longer has, and the rows that were kept of them. */
  retired: { table: string; tombstoned: number }[];
  /** What the source holds beside its tables; undefined when it did not say so this time. */
  source: SourceFile | undefined;
}

/** Nobody watches. */
export const NO_PROGRESS: ProgressListener = { begin: () => {}, rows: () => {} };

/** The data that came is another tenant's. Nobody can accept that: no replica holds what is not its own. */
export class ForeignDataError extends Error {
  override name = "ForeignDataError";
  readonly code = "data-of-another-tenant";

  constructor(tenant: string, found: string) {
    super(
      `The replica of ${tenant} keeps what it has: the data says that it is of tenant ${found}. ` +
        "Put the tenant's own data directory back in its place.",
    );
  }
}

/**
 * Brings what an agent sends into the replica, table by table as it comes, and compares the outcome with the manifest.
 * Bounded in memory by one frame.
 */
export async function load(
  messages: AsyncIterable<Message>,
  replica: Replica,
  before: ReplicaBefore,
  progress: ProgressListener = NO_PROGRESS,
): Promise<Loaded> {
  let filling: Filling | undefined;
  for await (const message of messages) {
    if (message.type === "unchanged") return unchanged(message.unchanged, replica, before);
    if (message.type === "error") throw failureOf(message.error);
    if (message.type === "header") filling = await Filling.begin(message.header, replica, before, progress);
    else if (message.type === "manifest") return (filling as Filling).end(message.manifest.tables);
    else await filling?.accept(message);
  }
  throw new StreamError("stream-interrupted", "it broke off before its end");
}

/** A replica while contents come. */
class Filling {
  readonly #header: Header;
  readonly #replica: Replica;
  readonly #progress: ProgressListener;
  readonly #tables: Map<string, HeldTable>;
  readonly #received: LoadedTable[] = [];
  readonly #retired: Loaded["retired"];
  #current: TableLoad | undefined;

  private constructor(
    header: Header,
    replica: Replica,
    progress: ProgressListener,
    tables: Map<string, HeldTable>,
    retired: Loaded["retired"],
  ) {
    this.#header = header;
    this.#replica = replica;
    this.#progress = progress;
    this.#tables = tables;
    this.#retired = retired;
  }

  /** Checks that what comes is for this replica as it is, and brings its tables to the source's shape. */
  static async begin(header: Header, replica: Replica, before: ReplicaBefore, progress: ProgressListener) {
    requireIdentity(header, before);
    if (header.base !== null && header.base !== before.committed)
      throw new StreamError(
        "stream-malformed",
        `it builds on ${header.base}, which the replica does not hold`,
      );
    // Whatever was altered, a full comparison would repair it, and nobody would have heard of it.
    if (header.mode === "full" && before.committed !== null) requireUntouched(await replica.measure());
    progress.begin(header.work);
    const retired = await replica.retireMissing(header.tables);
    const tables = await replica.define(header.tables);
    faultPoint("node:header");
    return new Filling(header, replica, progress, tables, retired);
  }

  async accept(message: Extract<Message, { type: "table" | "rows" | "removed" }>): Promise<void> {
    switch (message.type) {
      case "table":
        await this.#endTable();
        this.#current = new TableLoad(this.#replica, this.#held(message.table), message.table, message.work);
        break;
      case "rows": {
        const rows = (await this.#current?.write(message.bytes)) ?? 0;
        this.#progress.rows(message.table.name, rows, message.bytes.length);
        break;
      }
      case "removed":
        await this.#current?.remove(message.digests);
        break;
    }
  }

  /** Measures the outcome; only what equals the manifest is returned. */
  async end(manifest: readonly TableState[]): Promise<Loaded> {
    await this.#endTable();
    const tables = await this.#replica.measure();
    const found = differences(manifest, tables);
    if (found.length > 0)
      throw new NotEqualError(found, "Nothing of this sync was kept; the next one compares every row.");
    faultPoint("node:measured");
    const { sync, identity, source } = this.#header;
    return {
      status: "success",
      sync,
      identity: identity.id,
      tables,
      received: this.#received,
      retired: this.#retired,
      source,
    };
  }

  async #endTable(): Promise<void> {
    if (!this.#current) return;
    this.#received.push(await this.#current.end());
    faultPoint("node:table-loaded");
  }

  #held({ name }: SourceTable): HeldTable {
    return this.#tables.get(name) as HeldTable;
  }
}

/** Trusts `unchanged` only about the very sync that the replica holds, and only with the replica's own counts. */
async function unchanged(
  answer: { sync: string; tables: number; rows: number },
  replica: Replica,
  { tenant, committed, identity, hold }: ReplicaBefore,
): Promise<Loaded> {
  if (hold && !hold.accepted && answer.sync === hold.offered) throw new HeldError(tenant, hold);
  if (answer.sync !== committed || identity === null)
    throw new StreamError(
      "stream-malformed",
      `it says unchanged since ${answer.sync}, which the replica does not hold`,
    );
  const tables = await replica.measure();
  requireUntouched(tables);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  if (answer.tables !== tables.length || answer.rows !== rows)
    throw new NotEqualError(
      [
        `the source has ${answer.tables} tables and ${answer.rows} rows, the replica ${tables.length} and ${rows}`,
      ],
      "The next sync compares every row.",
    );
  const { sync } = answer;
  return { status: "unchanged", sync, identity, tables, received: [], retired: [], source: undefined };
}

/** The data has to be the tenant's own, and that which the replica is a copy of, unless an operator says otherwise. */
function requireIdentity(
  { identity, work }: Header,
  { tenant, identity: known, rows, hold }: ReplicaBefore,
): void {
  if (identity.tenant !== tenant) throw new ForeignDataError(tenant, identity.tenant);
  if (known === null || identity.id === known) return;
  const came = work.reduce((sum, table) => sum + table.rows, 0);
  const detail = { was: known, now: identity.id, held: rows, came };
  requirePlausible(tenant, hold, { reason: "identity-changed", detail }, null);
}
