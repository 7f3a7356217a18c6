import { describe, expect, it } from "vitest";
import type { ColumnType } from "../../../sync-runtime/protocol/column-type.ts";
import { isRepresentable } from "../../../sync-runtime/protocol/representable.ts";
import { encodeValue, RawText, type SqliteValue, ValueCursor } from "../../../sync-runtime/protocol/value.ts";
import { vectors } from "./vectors.ts";

const judge = (type: ColumnType, canonical: Buffer) => {
  const cursor = new ValueCursor(canonical);
  cursor.next();
  return isRepresentable(type, cursor);
};

describe("a value is representable", () => {
  it.each<[ColumnType, SqliteValue, boolean]>([
    ["bigint", 2n ** 63n - 1n, true],
    ["bigint", 1, false],
    ["bigint", "1", false],
    ["boolean", 0n, true],
    ["boolean", 1n, true],
    ["boolean", 2n, false],
    ["boolean", -1n, false],
    ["boolean", 2n ** 32n, false],
    ["boolean", "true", false],
    ["double precision", -0, true],
    ["double precision", Number.POSITIVE_INFINITY, true],
    ["double precision", Number.NaN, false],
    ["double precision", 1n, false],
    ["text", "", true],
    ["text", "a\0b", false],
    ["text", "a".repeat(64), true],
    ["text", `${"a".repeat(63)}\0`, false],
    ["text", `${"a".repeat(200)}\0`, false],
    ["text", "é".repeat(200), true],
    ["text", new RawText(Buffer.from(`${"a".repeat(200)}\xff`, "latin1")), false],
    ["text", new RawText(Buffer.of(0xc3, 0x28)), false],
    ["text", new RawText(Buffer.of(0xed, 0xa0, 0x80)), false],
    ["text", Buffer.from("abc"), false],
    ["json", "null", true],
    ["json", '{"a":"\\u0000"}', true],
    ["json", "", false],
    ["json", "{'a':1}", false],
    ["json", new RawText(Buffer.from('"\xff"', "latin1")), false],
    ["bytea", Buffer.alloc(0), true],
    ["bytea", "", false],
  ])("in %s: %o -> %s", (type, value, expected) => {
    expect(judge(type, encodeValue(value))).toBe(expected);
  });

  it.each<ColumnType>(["bigint", "boolean", "double precision", "text", "json", "bytea"])(
    "in %s when it is NULL",
    (type) => {
      expect(judge(type, encodeValue(null))).toBe(true);
    },
  );

  it("exactly where the published vectors keep it in its column", () => {
    for (const { type, canonical, odd } of vectors.rows.flatMap(({ columns }) => columns))
      expect(judge(type as ColumnType, Buffer.from(canonical, "hex"))).toBe(!odd);
  });
});
