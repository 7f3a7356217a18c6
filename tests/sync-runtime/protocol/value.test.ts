import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeValue, RawText, type SqliteValue, ValueCursor } from "../../../sync-runtime/protocol/value.ts";
import { sqliteValue } from "./arbitrary.ts";

/** Values read back, text and blobs in the form in which the cursor gives them. */
const read = (bytes: Buffer): SqliteValue[] => {
  const cursor = new ValueCursor(bytes);
  const values: SqliteValue[] = [];
  while (cursor.next()) values.push(cursor.value());
  return values;
};

const asRead = (value: SqliteValue): SqliteValue => {
  if (typeof value === "string") return new RawText(Buffer.from(value));
  if (value instanceof RawText) return new RawText(Buffer.from(value.bytes));
  return value instanceof Uint8Array ? Buffer.from(value) : value;
};

describe("canonical values", () => {
  it.each<[string, SqliteValue, string]>([
    ["NULL", null, "4e"],
    ["an integer", 1n, "490000000000000001"],
    ["the least integer", -(2n ** 63n), "498000000000000000"],
    ["a real", 1, "523ff0000000000000"],
    ["minus zero", -0, "528000000000000000"],
    ["text", "é", "5400000002c3a9"],
    ["text that is not UTF-8", new RawText(Buffer.of(0xff, 0)), "5400000002ff00"],
    ["a blob", Buffer.of(0xff), "4200000001ff"],
  ])("write %s as specified", (_, value, hex) => {
    expect(encodeValue(value).toString("hex")).toBe(hex);
  });

  it("read back as they were written, any number of them one after another", () => {
    fc.assert(
      fc.property(fc.array(sqliteValue), (values) => {
        expect(read(Buffer.concat(values.map(encodeValue)))).toEqual(values.map(asRead));
      }),
    );
  });

  it.each([
    ["an unknown tag", "58", "no storage class has the tag 88"],
    ["a cut integer", "4900", "longer than the frame"],
    ["a cut length", "540000", "ends within its length"],
    ["a length beyond the end", "54ffffffff00", "longer than the frame"],
  ])("refuse %s", (_, hex, message) => {
    expect(() => read(Buffer.from(hex, "hex"))).toThrow(message);
  });
});
