import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BATCH_BYTES,
  canonicalPieces,
  exactValue,
  quoted,
  type ReadValue,
  RowBatch,
  rowBytes,
} from "../../../sync-runtime/host/row-batch.ts";
import { encodeValue, RawText, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";

/** A value in the form in which SQLite gives it for {@link exactValue}. */
const asRead = (value: SqliteValue): ReadValue => {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof RawText) return value.bytes;
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex").toUpperCase() : value;
};

describe("a batch of rows", () => {
  it("holds the canonical values, and says where the last row's are", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sqliteValue, sqliteValue, sqliteValue), { minLength: 1 }), (rows) => {
        const batch = new RowBatch(3);
        for (const row of rows) {
          const read = row.map(asRead);
          const encoded = row.map(encodeValue);
          expect(rowBytes(read)).toBe(Buffer.concat(encoded).length);
          batch.add(read);
          for (const [column, value] of encoded.entries())
            expect(batch.bytes.subarray(batch.bounds[column], batch.bounds[column + 1])).toEqual(value);
        }
        expect(batch.take()).toEqual(Buffer.concat(rows.flat().map(encodeValue)));
        expect(batch.length).toBe(0);
      }),
    );
  });

  it("is full for a row that would make it longer than a frame should be", () => {
    const batch = new RowBatch(1);
    batch.add([Buffer.alloc(BATCH_BYTES - 10)]);
    expect(batch.isFullFor(5)).toBe(false);
    expect(batch.isFullFor(6)).toBe(true);
  });

  it("does not write to what it gave away", () => {
    const batch = new RowBatch(1);
    batch.add([Buffer.from("first")]);
    const taken = batch.take();
    const copy = Buffer.from(taken);
    batch.add(["00FF"]);
    expect(taken).toEqual(copy);
  });
});

describe("a value too long for a batch", () => {
  it("is the same bytes in pieces", () => {
    fc.assert(
      fc.property(sqliteValue, (value) => {
        expect(Buffer.concat(canonicalPieces(asRead(value)))).toEqual(encodeValue(value));
      }),
    );
  });
});

describe("reading a column exactly", () => {
  it.each([
    ["NULL", null],
    ["9223372036854775807", 9223372036854775807n],
    ["-0.0", -0],
    ["9e999", Number.POSITIVE_INFINITY],
    ["CAST(x'610062' AS TEXT)", Buffer.from("a\0b")],
    ["CAST(x'c328ff' AS TEXT)", Buffer.of(0xc3, 0x28, 0xff)],
    ["''", Buffer.alloc(0)],
    ["x'00ff'", "00FF"],
    ["x''", ""],
  ])("gives %s as it is", (expression, expected) => {
    const database = new DatabaseSync(":memory:", { readBigInts: true });
    const name = 'a "quoted" name; --';
    database.exec(`CREATE TABLE t (${quoted(name)}); INSERT INTO t VALUES (${expression})`);
    const value = Object.values(database.prepare(`SELECT ${exactValue(name)} FROM t`).get() ?? {})[0];
    expect(value instanceof Uint8Array ? Buffer.from(value) : value).toEqual(expected);
  });
});
