import { randomUUID } from "node:crypto";
import type { ChangeStream } from "../../../sync-runtime/node/agent-client.ts";
import type {
  Header,
  Identity,
  Message,
  SourceFile,
  SourceTable,
  TableWork,
} from "../../../sync-runtime/protocol/message.ts";
import { RowDigester } from "../../../sync-runtime/protocol/row-digest.ts";
import { TableSum } from "../../../sync-runtime/protocol/table-sum.ts";
import { encodeValue, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";

/** What a file without views and settings of its own says beside its tables. */
const source: SourceFile = {
  objects: [],
  pragmas: { user_version: 0, application_id: 0, page_size: 4096, auto_vacuum: 0 },
};

/** A table of a tenant's database as a test writes it down: `name declared` per column. */
export interface ScriptedTable {
  columns: string[];
  key?: string[];
  rows: SqliteValue[][];
}

/** What is to be sent of one table. */
interface ScriptedWork {
  table: string;
  whole: boolean;
  added: SqliteValue[][];
  removed: SqliteValue[][];
}

const NO_WORK = { whole: true, added: [], removed: [] };

/** Speaks as an agent over tables that the test sets; what it says is true unless a test says otherwise. */
export class ScriptedSource {
  readonly identity: Identity;
  tables: Record<string, ScriptedTable> = {};
  /** The sync that was sent last. */
  sync = "";
  /** What the tables were at that sync. */
  #sent: Record<string, ScriptedTable> = {};
  /** What requests named as committed, in order. */
  readonly asked: (string | null)[] = [];

  constructor(tenant: string, id: string = randomUUID()) {
    this.identity = { fleet: "test", tenant, id, created: "2025-11-21T12:00:00Z" };
  }

  /** One of its tables, to be changed. */
  table(name: string): ScriptedTable {
    const table = this.tables[name];
    if (!table) throw new Error(`The scripted source has no table ${name}.`);
    return table;
  }

  /** Everything, with a manifest. */
  readonly full = async (committed: string | null): Promise<ChangeStream> => {
    this.asked.push(committed);
    this.#begin();
    return streamOf([...this.contents(), this.manifest()]);
  };

  /** What changed since the last sync; everything, where that is not the one that was named. */
  readonly delta = async (committed: string | null): Promise<ChangeStream> => {
    if (committed === null || committed !== this.sync) return this.full(committed);
    this.asked.push(committed);
    const sent = this.#sent;
    this.#begin();
    return streamOf([...this.changes(committed, sent), this.manifest()]);
  };

  #begin(): void {
    this.sync = randomUUID();
    this.#sent = Object.fromEntries(
      Object.entries(this.tables).map(([name, table]) => [
        name,
        { ...table, columns: [...table.columns], rows: table.rows.map((row) => [...row]) },
      ]),
    );
  }

  /** That nothing was written since the last sync. */
  readonly unchanged = async (committed: string | null): Promise<ChangeStream> => {
    this.asked.push(committed);
    const tables = Object.values(this.tables);
    const rows = tables.reduce((sum, table) => sum + table.rows.length, 0);
    return streamOf([{ type: "unchanged", unchanged: { sync: this.sync, tables: tables.length, rows } }]);
  };

  /** Header, tables and rows, without an end. */
  contents(): Message[] {
    const tables = this.#sourceTables();
    const work = tables.map((table) => ({
      ...NO_WORK,
      table: table.name,
      added: this.table(table.name).rows,
    }));
    return this.#messages(null, work);
  }

  /** The same as a delta to what the tables were at a sync. */
  changes(base: string, sent: Record<string, ScriptedTable>): Message[] {
    const work = Object.entries(this.tables).flatMap(([table, now]): ScriptedWork[] => {
      const before = sent[table];
      if (!before || before.columns.join() !== now.columns.join())
        return [{ ...NO_WORK, table, added: now.rows }];
      const added = without(now.rows, before.rows);
      const removed = without(before.rows, now.rows);
      return added.length + removed.length === 0 ? [] : [{ table, whole: false, added, removed }];
    });
    return this.#messages(base, work);
  }

  #sourceTables = () => Object.entries(this.tables).map(([name, table]) => sourceTable(name, table));

  #messages(base: string | null, scripted: ScriptedWork[]): Message[] {
    const { sync, identity } = this;
    const tables = this.#sourceTables();
    const mode = base === null ? "full" : "delta";
    const parts = scripted.map(({ table: name, whole, added, removed }) => {
      const table = tables.find((table) => table.name === name) as SourceTable;
      const rows = Buffer.concat(added.flat().map(encodeValue));
      const digests = Buffer.concat(digestsOf(table, removed));
      const counts = { rows: added.length, removed: removed.length, bytes: rows.length };
      const work: TableWork = { table: name, whole, ...counts };
      const messages: Message[] = [{ type: "table", table, work }];
      if (rows.length > 0) messages.push({ type: "rows", table, bytes: rows });
      if (digests.length > 0) messages.push({ type: "removed", table, digests });
      return { work, messages };
    });
    const work = parts.map(({ work }) => work);
    const header: Header = { sync, generation: 1, mode, base, identity, tables, work, source, skipped: [] };
    return [{ type: "header", header }, ...parts.flatMap(({ messages }) => messages)];
  }

  /** What the replica has to equal. */
  manifest(): Extract<Message, { type: "manifest" }> {
    const tables = Object.entries(this.tables).map(([name, table]) => {
      const sum = sumOf(sourceTable(name, table), table.rows);
      return { name, rows: sum.rows, sum: sum.toString() };
    });
    return { type: "manifest", manifest: { sync: this.sync, tables } };
  }
}

/** Messages as if they had come over the wire. */
export function streamOf(messages: Iterable<Message>): ChangeStream {
  return {
    messages: (async function* () {
      yield* messages;
    })(),
    bytes: () => 0,
  };
}

function sourceTable(name: string, { columns, key }: ScriptedTable): SourceTable {
  const split = columns.map((column) => column.split(" ") as [string, string]);
  return {
    name,
    columns: split.map(([name, declared]) => ({ name, declared })),
    key: key ?? null,
    ddl: [""],
  };
}

/** What a source says its table adds up to. */
export function sumOf(table: SourceTable, rows: readonly (readonly SqliteValue[])[]): TableSum {
  const sum = new TableSum();
  for (const digest of digestsOf(table, rows)) sum.add(digest);
  return sum;
}

/** The digests of rows, in their order. */
export function digestsOf(table: SourceTable, rows: readonly (readonly SqliteValue[])[]): Buffer[] {
  const names = table.columns.map(({ name }) => name);
  const digester = new RowDigester(table.name, names);
  return rows.map((row) => {
    const values = row.map(encodeValue);
    const bounds = [0];
    for (const value of values) bounds.push((bounds.at(-1) as number) + value.length);
    return digester.digest(Buffer.concat(values), bounds);
  });
}

/** The rows that are left of some when others are taken out, one for one. */
function without(rows: SqliteValue[][], others: SqliteValue[][]): SqliteValue[][] {
  const textOf = (row: SqliteValue[]) => row.map((value) => encodeValue(value).toString("hex")).join(" ");
  const taken = others.map(textOf);
  return rows.filter((row) => {
    const at = taken.indexOf(textOf(row));
    if (at >= 0) taken.splice(at, 1);
    return at < 0;
  });
}
