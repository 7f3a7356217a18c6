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

const wholeTable = (table: string, rows: number): TableWork => ({
  table,
  whole: true,
  rows,
  removed: 0,
  bytes: 0,
});

/** A table of a tenant's database as a test writes it down: `name declared` per column. */
export interface ScriptedTable {
  columns: string[];
  key?: string[];
  rows: SqliteValue[][];
}

/** Speaks as an agent over tables that the test sets; what it says is true unless a test says otherwise. */
export class ScriptedSource {
  readonly identity: Identity;
  tables: Record<string, ScriptedTable> = {};
  /** The sync that was sent last. */
  sync = "";
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
    this.sync = randomUUID();
    return streamOf([...this.contents(), this.manifest()]);
  };

  /** That nothing was written since the last sync. */
  readonly unchanged = async (committed: string | null): Promise<ChangeStream> => {
    this.asked.push(committed);
    const tables = Object.values(this.tables);
    const rows = tables.reduce((sum, table) => sum + table.rows.length, 0);
    return streamOf([{ type: "unchanged", unchanged: { sync: this.sync, tables: tables.length, rows } }]);
  };

  /** Header, tables and rows, without an end. */
  contents(): Message[] {
    const tables = Object.entries(this.tables).map(([name, table]) => sourceTable(name, table));
    const { sync, identity } = this;
    const work = tables.map(({ name }) => wholeTable(name, this.table(name).rows.length));
    const header: Header = {
      sync,
      generation: 1,
      mode: "full",
      base: null,
      identity,
      tables,
      work,
      source,
      skipped: [],
    };
    return [
      { type: "header", header },
      ...tables.flatMap((table): Message[] => {
        const { rows } = this.table(table.name);
        return [
          { type: "table", table, work: wholeTable(table.name, rows.length) },
          { type: "rows", table, bytes: Buffer.concat(rows.flat().map(encodeValue)) },
        ];
      }),
    ];
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
  const digester = new RowDigester(
    table.name,
    table.columns.map(({ name }) => name),
  );
  const sum = new TableSum();
  for (const row of rows) {
    const values = row.map(encodeValue);
    const bounds = [0];
    for (const value of values) bounds.push((bounds.at(-1) as number) + value.length);
    sum.add(digester.digest(Buffer.concat(values), bounds));
  }
  return sum;
}
