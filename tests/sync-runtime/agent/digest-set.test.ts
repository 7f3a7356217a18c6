import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DigestSet } from "../../../sync-runtime/agent/reader/digest-set.ts";
import { TableSum } from "../../../sync-runtime/protocol/table-sum.ts";

const digestOf = (row: number) => createHash("sha256").update(String(row)).digest();

describe("a multiset of digests", () => {
  it("gives out what was put in, as often as it was", () => {
    const rows = fc.array(fc.nat(30), { maxLength: 300 });
    fc.assert(
      fc.property(rows, rows, fc.nat(200), (added, taken, capacity) => {
        const set = new DigestSet(capacity);
        const model = new Map<number, number>();
        for (const row of added) {
          set.add(digestOf(row));
          model.set(row, (model.get(row) ?? 0) + 1);
        }
        for (const row of taken) {
          const left = model.get(row) ?? 0;
          expect(set.take(digestOf(row))).toBe(left > 0);
          model.set(row, Math.max(0, left - 1));
        }
        const rest = [...model].flatMap(([row, count]) =>
          Array<string>(count).fill(digestOf(row).toString("hex")),
        );
        expect([...set.rest()].map((digest) => digest.toString("hex")).sort()).toEqual(rest.sort());
        expect(set.rows).toBe(rest.length);
      }),
    );
  });
});

describe("a table's sum", () => {
  it("is the same whether rows never were in it or were taken out, and goes on from what was printed", () => {
    const rows = fc.array(fc.nat(1000));
    fc.assert(
      fc.property(rows, rows, (kept, passing) => {
        const only = new TableSum();
        let changed = new TableSum();
        for (const row of [...kept, ...passing]) changed.add(digestOf(row));
        changed = TableSum.parse(changed.toString(), changed.rows);
        for (const row of passing) changed.remove(digestOf(row));
        for (const row of kept) only.add(digestOf(row));
        expect([changed.toString(), changed.rows]).toEqual([only.toString(), only.rows]);
      }),
    );
  });
});
