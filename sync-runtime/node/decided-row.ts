import * as z from "zod";
import { COLUMN_TYPES, type ColumnType } from "../protocol/column-type.ts";
import { RowDigester } from "../protocol/row-digest.ts";
import { encodeValue, type SqliteValue, ValueCursor } from "../protocol/value.ts";
import { type RowWrite, schemaDigest, toWire } from "../protocol/write.ts";
import { ODD_COLUMN } from "./conflict/row-image.ts";

const Image = z.record(z.string(), z.string().nullable());

/** A row of begin-write.sql: what was decided about a row, which the tenant's own database is to have. */
export const DecidedRow = z.object({
  id: z.string(),
  conflict: z.string(),
  source: z.string(),
  key: z.array(z.string()).min(1),
  columns: z.array(z.object({ name: z.string(), type: z.enum(COLUMN_TYPES) })),
  ddl: z.array(z.string()),
  /** Digest of the source's row as it was verified, hex; null: there is none. */
  before: z.string().nullable(),
  /** An image that holds the row's key, whether the row is to be there or not. */
  named: Image,
  /** The row to be; null: it is to go. */
  image: Image.nullable(),
  digest: z.string().nullable(),
  identity: z.uuid(),
});
export type DecidedRow = z.infer<typeof DecidedRow>;

/** A decided row has no form that SQLite would keep as it is. */
export class UnwritableError extends Error {
  override name = "UnwritableError";
  readonly code = "unwritable";
}

/** What a writer is sent of a decided row. Throws {@link UnwritableError} where SQLite could not hold what the replica shows. */
export function rowWriteOf({ source, key, columns, before, named, image, digest }: DecidedRow): RowWrite {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const inKey = valuesOf(named, types);
  const row = { table: source, key: key.map((column) => toWire(inKey(column))), before };
  if (image === null) return { ...row, after: null, afterDigest: null };
  const names = columns.map(({ name }) => name);
  const values = names.map(valuesOf(image, types));
  // What would be written is what was decided, or nothing is: the digest is Postgres' own, of the row it shows.
  if (digestOf(source, names, values) !== digest)
    throw new UnwritableError(`The decided row of ${source} cannot be told in SQLite's values.`);
  const nan = names.find((_, index) => Number.isNaN(values[index]));
  if (nan !== undefined)
    throw new UnwritableError(`${nan} of a row of ${source} is NaN, which SQLite does not keep.`);
  const after = Object.fromEntries(names.map((name, index) => [name, toWire(values[index] ?? null)]));
  return { ...row, after, afterDigest: digest };
}

/** What a writer compares to know that a table is the one the sync saw. */
export const tableSchemaOf = ({ source, ddl }: DecidedRow): string => schemaDigest({ name: source, ddl });

/** Reads an image's values as SQLite has them. */
function valuesOf(image: z.infer<typeof Image>, types: ReadonlyMap<string, ColumnType>) {
  const odd = z.record(z.string(), z.string()).parse(JSON.parse(image[ODD_COLUMN] ?? "{}"));
  return (column: string): SqliteValue => {
    const beside = Object.hasOwn(odd, column) ? odd[column] : undefined;
    if (beside !== undefined) return canonicalValue(beside);
    const text = Object.hasOwn(image, column) ? image[column] : undefined;
    return text === undefined || text === null ? null : plainValue(text, types.get(column) ?? "text");
  };
}

/** A value that its column's type holds, from Postgres' text of it. */
function plainValue(text: string, type: ColumnType): SqliteValue {
  switch (type) {
    case "bigint":
      return BigInt(text);
    case "boolean":
      return text === "true" ? 1n : 0n;
    case "double precision":
      return Number(text);
    case "bytea":
      return Buffer.from(text.slice("\\x".length), "hex");
    default:
      return text;
  }
}

/** A value that stands beside its row. */
function canonicalValue(hex: string): SqliteValue {
  const cursor = new ValueCursor(Buffer.from(hex, "hex"));
  return cursor.next() ? cursor.value() : null;
}

function digestOf(table: string, names: readonly string[], values: readonly SqliteValue[]): string {
  const encoded = values.map(encodeValue);
  return new RowDigester(table, names).digestPieces(encoded.map((bytes) => [bytes])).toString("hex");
}
