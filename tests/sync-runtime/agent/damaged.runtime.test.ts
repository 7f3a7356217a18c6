import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEED } from "../../support/random-seed.ts";
import { digestsOfDatabase, SnapshotTaker } from "./snapshot-taker.ts";

const PAGE = 4096;

/** A closed database with two levels of pages and rows that go on elsewhere. */
function makeDatabase(path: string): Buffer {
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE small (id INTEGER PRIMARY KEY, a, b REAL);
    CREATE TABLE large (id TEXT PRIMARY KEY, body);
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO small SELECT i, 'a' || i, i / 2.0 FROM n;
    WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) INSERT INTO large SELECT 'l' || i, hex(zeroblob(i * 300)) FROM n;
  `);
  database.close();
  return readFileSync(path);
}

/** What SQLite itself makes of a file. */
function asSqliteReadsIt(path: string): Record<string, string[]> | undefined {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return digestsOfDatabase(database);
  } catch {
    return undefined;
  } finally {
    database.close();
  }
}

describe("a damaged database", () => {
  it("is read as SQLite reads it, or not at all", async () => {
    using taker = new SnapshotTaker();
    const whole = makeDatabase(taker.database);
    const harm = fc.record({
      page: fc.nat(whole.length / PAGE - 1),
      at: fc.oneof(fc.nat(40), fc.nat(PAGE - 1)),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(harm, { minLength: 1, maxLength: 3 }), async (harms) => {
        const bytes = Buffer.from(whole);
        // The header and the schema are SQLite's to judge.
        for (const { page, at, byte } of harms) if (page > 0) bytes[page * PAGE + at] = byte;
        writeFileSync(taker.database, bytes);
        taker.base = null;
        taker.replica.tables.clear();
        const code = await taker.take().then(
          () => "read",
          (error) => error.code,
        );
        if (code === "read") {
          const expected = asSqliteReadsIt(taker.database);
          if (expected) expect(taker.replica.contents).toEqual(expected);
        } else expect(code).toMatch(/^(database-damaged|row-too-large|contents-too-large)$/);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it.each<[string, (bytes: Buffer, interior: number, leaf: number) => void]>([
    [
      "whose page leads to itself",
      (bytes, interior) => bytes.writeUInt32BE(interior / PAGE + 1, interior + 8),
    ],
    ["whose page leads beyond its end", (bytes, interior) => bytes.writeUInt32BE(99_999, interior + 8)],
    ["whose page leads to page 0", (bytes, interior) => bytes.writeUInt32BE(0, interior + 8)],
    ["whose page leads to one that is another's", (bytes, interior) => bytes.writeUInt32BE(2, interior + 8)],
    ["whose leaf has more cells than fit", (bytes, _, leaf) => bytes.writeUInt16BE(65_535, leaf + 3)],
    ["whose leaf has a cell outside of it", (bytes, _, leaf) => bytes.writeUInt16BE(65_000, leaf + 8)],
    [
      "whose row goes on at a page of the tree",
      (bytes, interior) => redirectOverflow(bytes, interior / PAGE + 1),
    ],
    ["whose row goes on nowhere", (bytes) => redirectOverflow(bytes, 0)],
  ])("%s is refused", async (_, harm) => {
    using taker = new SnapshotTaker();
    const bytes = makeDatabase(taker.database);
    const pages = Array.from({ length: bytes.length / PAGE }, (_page, index) => index * PAGE).slice(1);
    const interior = pages.find((at) => bytes[at] === 5) as number;
    const leaf = pages.find((at) => bytes[at] === 13 && bytes.readUInt16BE(at + 3) > 20) as number;
    harm(bytes, interior, leaf);
    writeFileSync(taker.database, bytes);
    await expect(taker.take()).rejects.toMatchObject({ code: "database-damaged" });
  });
});

/** Has the first row that goes on elsewhere go on at another page. */
function redirectOverflow(bytes: Buffer, to: number): void {
  const chained = new Set<number>();
  const last = bytes.length / PAGE;
  for (let page = 2; page <= last; page++) {
    const next = bytes.readUInt32BE((page - 1) * PAGE);
    // An overflow page begins with the number of the next one; no kind of tree page does.
    if (next > page && next <= last && ![2, 5, 10, 13].includes(bytes[(page - 1) * PAGE] as number))
      chained.add(page);
  }
  const [first] = chained;
  if (!first) throw new Error("No row goes on elsewhere.");
  bytes.writeUInt32BE(to, (first - 1) * PAGE);
}
