import { type Header, type Message, StreamError } from "../protocol/message.ts";
import { failureOf } from "./agent-client.ts";
import { differences, NotEqualError, type TableState } from "./equality.ts";
import type { MeasuredTable, Replica, Stage } from "./replica.ts";

/** What is known about a replica before a sync. */
export interface ReplicaBefore {
  tenant: string;
  /** The identity of the data whose copy it is; null before the first sync. */
  identity: string | null;
  /** The sync that was named to the agent as committed. */
  committed: string | null;
  tables: MeasuredTable[];
}

/** A replica that was found equal to its source, in a transaction still open. */
export interface Loaded {
  status: "success" | "unchanged";
  sync: string;
  identity: string;
  tables: TableState[];
  /** What came for each table; empty when nothing changed. */
  received: { table: string; rows: number; unrepresentable: number }[];
}

/** The data that came is not the data this replica is a copy of. */
export class IdentityError extends Error {
  override name = "IdentityError";
  readonly code = "identity-changed";

  constructor(tenant: string, found: string) {
    super(
      `The replica of ${tenant} is held: ${found}. It keeps what it has, and follows no further change. ` +
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
): Promise<Loaded> {
  const received: Loaded["received"] = [];
  let header: Header | undefined;
  let filling: { table: string; stage: Stage } | undefined;
  const finishTable = async () => {
    if (!filling) return;
    const { table, stage } = filling;
    await stage.end();
    await replica.merge(table);
    received.push({ table, rows: stage.rows, unrepresentable: stage.oddRows });
  };

  for await (const message of messages) {
    switch (message.type) {
      case "unchanged":
        return unchanged(message.unchanged, before);
      case "error":
        throw failureOf(message.error);
      case "header":
        header = message.header;
        requireIdentity(header, before);
        if (header.mode !== "full")
          throw new StreamError("stream-malformed", "a delta came where every row was expected");
        break;
      case "table":
        await finishTable();
        filling = { table: message.table.name, stage: await replica.stage(message.table) };
        break;
      case "removed":
        throw new StreamError("stream-malformed", "removed rows in a full stream");
      case "rows":
        await filling?.stage.write(message.bytes);
        break;
      case "manifest": {
        await finishTable();
        const { sync, tables } = message.manifest;
        await retireMissing(replica, before.tables, tables);
        const found = differences(tables, await replica.measure());
        if (found.length > 0)
          throw new NotEqualError(found, "Nothing of this sync was kept; the next one compares every row.");
        return { status: "success", sync, identity: (header as Header).identity.id, tables, received };
      }
    }
  }
  throw new StreamError("stream-interrupted", "it broke off before its end");
}

/** Trusts `unchanged` only about the very sync that the replica holds, and only with the replica's own counts. */
function unchanged(answer: { sync: string; tables: number; rows: number }, before: ReplicaBefore): Loaded {
  const rows = before.tables.reduce((sum, table) => sum + table.rows, 0);
  if (answer.sync !== before.committed || before.identity === null)
    throw new StreamError(
      "stream-malformed",
      `it says unchanged since ${answer.sync}, which the replica does not hold`,
    );
  if (answer.tables !== before.tables.length || answer.rows !== rows)
    throw new NotEqualError(
      [
        `the source has ${answer.tables} tables and ${answer.rows} rows, the replica ${before.tables.length} and ${rows}`,
      ],
      "The next sync compares every row.",
    );
  return {
    status: "unchanged",
    sync: answer.sync,
    identity: before.identity,
    tables: before.tables,
    received: [],
  };
}

function requireIdentity({ identity }: Header, { tenant, identity: known }: ReplicaBefore): void {
  if (identity.tenant !== tenant)
    throw new IdentityError(tenant, `the data says that it is of tenant ${identity.tenant}`);
  if (known !== null && identity.id !== known)
    throw new IdentityError(
      tenant,
      `it is a copy of the data with identity ${known}, and ${identity.id} came`,
    );
}

/** Tables that the source no longer has go to the tombstones. */
async function retireMissing(replica: Replica, before: TableState[], source: TableState[]): Promise<void> {
  const kept = new Set(source.map(({ name }) => name));
  for (const { name } of before) if (!kept.has(name)) await replica.retireTable(name);
}
