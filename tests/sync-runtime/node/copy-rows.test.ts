import { expect, test } from "vitest";
import { CopyRows } from "../../../sync-runtime/node/copy-rows.ts";
import { encodeValue, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";

const REPLICA = [
  { name: "flag", type: "boolean" },
  { name: "id", type: "bigint" },
  { name: "note", type: "text" },
] as const;

const encode = (...rows: SqliteValue[][]) => {
  const copy = new CopyRows(["id", "note", "flag"], REPLICA);
  return { copy, bytes: Buffer.concat(copy.encode(Buffer.concat(rows.flat().map(encodeValue)))) };
};

/** The fields of rows of a binary COPY; null for NULL. */
function fieldsOf(bytes: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const row: (string | null)[] = [];
    const fields = bytes.readInt16BE(at);
    at += 2;
    for (let field = 0; field < fields; field++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length < 0 ? null : bytes.toString("hex", at, at + length));
      at += Math.max(length, 0);
    }
    rows.push(row);
  }
  return rows;
}

test("values stand in the replica's order, as Postgres receives them", () => {
  expect(fieldsOf(encode([7n, "é", 1n], [-1n, null, 0n]).bytes)).toEqual([
    [null, "01", "0000000000000007", "c3a9"],
    [null, "00", "ffffffffffffffff", null],
  ]);
});

test("a value that its column cannot hold is NULL there and stands in _replica_odd", () => {
  const { copy, bytes } = encode([7n, "a\0", 2n], [8n, "plain", 1n]);
  const [odd, plain] = fieldsOf(bytes);
  expect(odd?.slice(1)).toEqual([null, "0000000000000007", null]);
  const json = Buffer.from(odd?.[0] ?? "", "hex");
  expect(json[0]).toBe(1);
  expect(JSON.parse(json.subarray(1).toString())).toEqual({
    note: "54000000026100",
    flag: "490000000000000002",
  });
  expect(plain?.[0]).toBeNull();
  expect([copy.rows, copy.oddRows]).toEqual([2, 1]);
});

test("a column named __proto__ keeps its odd value like any other", () => {
  const copy = new CopyRows(["__proto__"], [{ name: "__proto__", type: "bigint" }]);
  const [row] = fieldsOf(Buffer.concat(copy.encode(encodeValue("text"))));
  expect(
    Buffer.from(row?.[0] ?? "", "hex")
      .subarray(1)
      .toString(),
  ).toBe('{"__proto__":"540000000474657874"}');
});

test("large values are handed on without being copied", () => {
  const large = "x".repeat(1_000_000);
  const frame = Buffer.concat([1n, large, 0n].map(encodeValue));
  const parts = new CopyRows(["id", "note", "flag"], REPLICA).encode(frame);
  const view = parts.find((part) => part.length === large.length);
  expect(view?.buffer).toBe(frame.buffer);
});

test("a frame that ends within a row is refused", () => {
  expect(() => encode([7n, "é"])).toThrow("a row ends before its last column");
});

test("columns that are not the same on both sides are refused", () => {
  expect(() => new CopyRows(["id"], REPLICA)).toThrow("Column flag is not both");
  expect(() => new CopyRows(["id", "note", "flag", "more"], REPLICA)).toThrow("Column more is not both");
});
