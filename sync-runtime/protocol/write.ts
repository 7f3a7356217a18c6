import * as z from "zod";
import { Failure } from "./message.ts";
import { nameProblem } from "./name.ts";
import { DIGEST_BYTES } from "./row-digest.ts";
import { realOf, type WireValue as Value } from "./wire-value.ts";

export { schemaDigest } from "./schema-digest.ts";
export { fromWire, toWire } from "./wire-value.ts";

/** The longest body of a request to write, in bytes. */
export const MAX_WRITE_BYTES = 8 * 1024 * 1024;
/** Rows of one request, which are one transaction in the tenant's database. */
export const MAX_WRITE_ROWS = 1000;

const LEAST_INTEGER = -(2n ** 63n);
const MOST_INTEGER = 2n ** 63n - 1n;

const name = z.string().refine((value) => nameProblem(value) === undefined, "a name that no table can have");
const digest = z.string().regex(new RegExp(`^[0-9a-f]{${2 * DIGEST_BYTES}}$`), "no digest");
const isInteger = (text: string): boolean => {
  const value = BigInt(text);
  return value >= LEAST_INTEGER && value <= MOST_INTEGER;
};

/** A SQLite value in JSON, without loss; one member says its storage class. */
export const WireValue: z.ZodType<Value> = z.union([
  z.null(),
  z.strictObject({
    integer: z
      .string()
      .regex(/^-?(0|[1-9][0-9]{0,18})$/, { error: "no integer", abort: true })
      .refine(isInteger, "no integer of 64 bits"),
  }),
  /** Its float64be in hex: a decimal would lose -0.0 and the infinities. */
  z.strictObject({
    real: z
      .string()
      .regex(/^[0-9a-f]{16}$/, { error: "no float64be in hex", abort: true })
      .refine((hex) => !Number.isNaN(realOf(hex)), "NaN, which SQLite does not store"),
  }),
  z.strictObject({
    text: z.string().refine((text) => text.isWellFormed(), "text that is not Unicode; send its bytes"),
  }),
  /** Text that is not valid UTF-8, its bytes in base64. */
  z.strictObject({ textBytes: z.base64() }),
  z.strictObject({ blob: z.base64() }),
]);
export type WireValue = Value;

/** One row as it was and as it has to be. */
export const RowWrite = z
  .strictObject({
    table: name,
    /** Values of the key's columns, in the key's order. */
    key: z.array(WireValue).min(1),
    /** Digest of the source's row as it was verified; null: there was no such row. */
    before: digest.nullable(),
    /** Every column of the row to be; null: the row is to go. */
    after: z.record(z.string(), WireValue).nullable(),
    /** Digest of the row to be; null: the row is to go. */
    afterDigest: digest.nullable(),
  })
  .refine(
    ({ after, afterDigest }) => (after === null) === (afterDigest === null),
    "`after` without its digest",
  )
  .refine(({ before, after }) => before !== null || after !== null, "a row that neither was nor is to be");
export type RowWrite = z.infer<typeof RowWrite>;

/** Body of a request to write rows: all of them are written, or none. */
export const WriteRequest = z.strictObject({
  /** Epoch of the claim under which the node works on the tenant, in decimal. */
  epoch: z.string().regex(/^(0|[1-9][0-9]{0,18})$/, "no epoch"),
  /** The `id` of the data identity that the sync was verified with. */
  identity: z.uuid(),
  /** {@link schemaDigest} of every table that is written. */
  schema: z.record(name, digest),
  /** None: nothing is written, and requests of earlier claims are refused from then on. */
  rows: z.array(RowWrite).max(MAX_WRITE_ROWS),
});
export type WriteRequest = z.infer<typeof WriteRequest>;

/** All rows are now as wanted. */
export const WriteAnswer = z.object({
  /** Rows that were written. */
  written: z.int().nonnegative(),
  /** Rows that were as wanted before. */
  already: z.int().nonnegative(),
});
export type WriteAnswer = z.infer<typeof WriteAnswer>;

/** Why nothing was written. A code of {@link WRITE_REFUSALS}, or one by which the agent could not read the tenant. */
export const WriteRefusal = Failure.extend({
  /** The first row that stood in the way, where one did. */
  table: z.string().optional(),
  key: z.array(WireValue).optional(),
});
export type WriteRefusal = z.infer<typeof WriteRefusal>;

/** Codes that a writer adds to those of an agent. */
export const WRITE_REFUSALS = [
  /** A row is neither as it was verified nor as wanted. */
  "source-changed",
  /** A table is not made by the statements that the sync saw. */
  "schema-changed",
  /** Another claim has written since. */
  "stale-epoch",
  /** The directory holds other data than the sync saw. */
  "identity-changed",
  /** A trigger, view, virtual table, generated column, or no key. */
  "unsupported-schema",
  /** SQLite refused: CHECK, NOT NULL, UNIQUE. */
  "constraint",
  /** SQLite would keep another value than the one wanted: the column converts it. */
  "value-converted",
  /** The application held the lock for five seconds. */
  "busy",
  /** The tenant's file system is full. */
  "disk-full",
  /** It took longer or more memory than a write may. */
  "write-stopped",
  /** The writing process ended while it committed: the next sync shows whether the rows are there. */
  "outcome-unknown",
] as const;
export type WriteRefusalCode = (typeof WRITE_REFUSALS)[number];
