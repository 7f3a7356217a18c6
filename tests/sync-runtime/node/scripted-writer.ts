import type { Writers } from "../../../sync-runtime/node/write-back.ts";
import { type WriterAddress, WriterError } from "../../../sync-runtime/node/writer-client.ts";
import { RowDigester } from "../../../sync-runtime/protocol/row-digest.ts";
import { encodeValue, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";
import {
  fromWire,
  type RowWrite,
  schemaDigest,
  toWire,
  WriteRequest,
} from "../../../sync-runtime/protocol/write.ts";
import type { ScriptedSource, ScriptedTable } from "./scripted-source.ts";

/** For a node of which no tenant is synced both ways. */
export const noWriters: Writers = {
  write: () => Promise.reject(new Error("A row was written for a tenant whose rows go one way.")),
};

/** Writes into scripted sources as a writer writes into SQLite: all rows of a request, each as it was expected, or none. */
export class ScriptedWriter implements Writers {
  readonly requests: { writer: WriterAddress; tenant: string; request: WriteRequest }[] = [];
  /** Instead of writing; behind it, `after`. */
  before: (request: WriteRequest) => void = () => {};
  /** Once it is written and before it is answered. */
  after: () => void | Promise<void> = () => {};
  readonly #epochs = new Map<string, bigint>();
  readonly #sources = new Map<string, ScriptedSource>();

  serve(source: ScriptedSource): void {
    this.#sources.set(source.identity.tenant, source);
  }

  async write(writer: WriterAddress, tenant: string, sent: WriteRequest) {
    const request = WriteRequest.parse(JSON.parse(JSON.stringify(sent)));
    this.requests.push({ writer, tenant, request });
    this.before(request);
    const source = this.#sources.get(tenant);
    if (!source) throw refused("not-assigned");
    const epoch = BigInt(request.epoch);
    if (epoch < (this.#epochs.get(tenant) ?? 0n)) throw refused("stale-epoch");
    this.#epochs.set(tenant, epoch);
    if (request.rows.length === 0) return { written: 0, already: 0 };
    if (request.identity !== source.identity.id) throw refused("identity-changed");
    const tables = Object.fromEntries(
      Object.entries(source.tables).map(([name, table]) => [name, { ...table, rows: [...table.rows] }]),
    );
    const written = request.rows.filter((row) => put(tables[row.table], row, request.schema)).length;
    source.tables = tables;
    await this.after();
    return { written, already: request.rows.length - written };
  }
}

export const refused = (code: string, about: { table?: string; key?: RowWrite["key"] } = {}) =>
  new WriterError(
    { code, message: `Refused: ${code}.`, isUncertain: false },
    { code, message: "", remedy: "", ...about },
  );

/** Puts one row into a table; false: it was there. */
function put(table: ScriptedTable | undefined, row: RowWrite, schema: WriteRequest["schema"]): boolean {
  const { table: name, key, before, after, afterDigest } = row;
  if (!table?.key) throw refused("unsupported-schema", { table: name });
  const names = table.columns.map((column) => column.split(" ")[0] as string);
  if (schema[name] !== schemaDigest({ name, ddl: [""] })) throw refused("schema-changed", { table: name });
  const at = table.rows.findIndex((values) =>
    table.key?.every(
      (column, index) =>
        JSON.stringify(toWire(values[names.indexOf(column)] ?? null)) === JSON.stringify(key[index]),
    ),
  );
  const there = at < 0 ? null : digestOf(name, names, table.rows[at] as SqliteValue[]);
  if (there === afterDigest) return false;
  if (there !== before) throw refused("source-changed", { table: name, key });
  if (at >= 0) table.rows.splice(at, 1);
  if (after) {
    const values = names.map((column) => fromWire(after[column] ?? null));
    if (digestOf(name, names, values) !== afterDigest) throw refused("value-converted", { table: name, key });
    table.rows.push(values);
  }
  return true;
}

const digestOf = (table: string, names: string[], values: SqliteValue[]): string =>
  new RowDigester(table, names).digestPieces(values.map((value) => [encodeValue(value)])).toString("hex");
