import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RowDigester } from "../../../sync-runtime/protocol/row-digest.ts";
import { TableSum } from "../../../sync-runtime/protocol/table-sum.ts";
import { encodeValue, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";
import { sqliteValue } from "./arbitrary.ts";
import { vectors } from "./vectors.ts";

/** The digest of a row given as column -> canonical bytes. */
function digestOf(table: string, row: [name: string, canonical: Buffer][]): Buffer {
  const bounds = [0];
  for (const [, canonical] of row) bounds.push((bounds.at(-1) as number) + canonical.length);
  const digester = new RowDigester(
    table,
    row.map(([name]) => name),
  );
  return digester.digest(Buffer.concat(row.map(([, canonical]) => canonical)), bounds);
}

const rowOf = (columns: { name: string; canonical: string }[]): [string, Buffer][] =>
  columns.map(({ name, canonical }) => [name, Buffer.from(canonical, "hex")]);

describe("the row digest", () => {
  it.each(vectors.rows)("is the published one for: $name", ({ table, columns, row, digest }) => {
    expect(createHash("sha256").update(Buffer.from(row, "hex")).digest("hex")).toBe(digest);
    expect(digestOf(table, rowOf(columns)).toString("hex")).toBe(digest);
  });

  it("does not depend on the order of the columns", () => {
    for (const { table, columns, digest } of vectors.rows)
      expect(digestOf(table, rowOf(columns).reverse()).toString("hex")).toBe(digest);
  });

  it("is the same for long rows, which are hashed piece by piece", () => {
    const long = encodeValue("x".repeat(300_000));
    const bytes = Buffer.concat([
      Buffer.from("owui-row-1\0"),
      Buffer.from([0, 0, 0, 4]),
      Buffer.from("chat"),
      Buffer.from([0, 0, 0, 4]),
      Buffer.from("chat"),
      long,
      Buffer.from([0, 0, 0, 2]),
      Buffer.from("id"),
      Buffer.from("N"),
    ]);
    const row: [string, Buffer][] = [
      ["id", encodeValue(null)],
      ["chat", long],
    ];
    expect(digestOf("chat", row)).toEqual(createHash("sha256").update(bytes).digest());
  });

  it("changes with any value, and with the column or table a value stands in", () => {
    fc.assert(
      fc.property(sqliteValue, sqliteValue, (one: SqliteValue, other: SqliteValue) => {
        const [a, b] = [encodeValue(one), encodeValue(other)];
        fc.pre(!a.equals(b));
        const digests = [
          digestOf("t", [
            ["x", a],
            ["y", b],
          ]),
          digestOf("t", [
            ["x", b],
            ["y", a],
          ]),
          digestOf("t", [
            ["x", a],
            ["z", b],
          ]),
          digestOf("u", [
            ["x", a],
            ["y", b],
          ]),
          digestOf("t", [
            ["x", a],
            ["y", a],
          ]),
        ];
        expect(new Set(digests.map((digest) => digest.toString("hex"))).size).toBe(digests.length);
      }),
    );
  });
});

describe("a table's sum", () => {
  const digests = vectors.rows.map(({ digest }) => Buffer.from(digest, "hex"));
  const sumOf = (list: Buffer[]) => {
    const sum = new TableSum();
    for (const digest of list) sum.add(digest);
    return sum;
  };

  it("is the published one, in any order, and counts duplicates", () => {
    expect(sumOf(digests).toString()).toBe(vectors.sums.rows);
    expect(sumOf([...digests].reverse()).toString()).toBe(vectors.sums.rows);
    expect(sumOf([...digests, digests[0] as Buffer]).toString()).toBe(vectors.sums.firstTwice);
    expect(sumOf(digests).rows).toBe(digests.length);
  });

  it("is zero for no rows", () => {
    expect(sumOf([]).toString()).toBe("0".repeat(64));
  });

  it("adds each lane mod 2^64", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 20 }), (rows) => {
        const list = rows.map((row) => Buffer.from(row));
        const lanes = [0, 8, 16, 24].map((at) =>
          list.reduce((sum, row) => sum + row.readBigUInt64BE(at), 0n),
        );
        const expected = lanes
          .map((lane) => BigInt.asUintN(64, lane).toString(16).padStart(16, "0"))
          .join("");
        expect(sumOf(list).toString()).toBe(expected);
      }),
    );
  });
});
