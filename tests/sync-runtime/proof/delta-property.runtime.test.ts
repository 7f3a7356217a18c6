import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SEED } from "../../support/random-seed.ts";
import { digestsOfTable, SnapshotTaker } from "../agent/snapshot-taker.ts";
import { EvolvingDatabase } from "./evolving-database.ts";
import { operation } from "./operation.ts";

/** As in property.runtime.test.ts. Without Postgres and the network between, there is time for many times as many. */
const SECONDS = Number(process.env.OWUI_PROPERTY_SECONDS ?? 30) / 3;

const history = fc.record({
  journal: fc.constantFrom("wal", "rollback"),
  pageSize: fc.constantFrom(512, 1024, 4096, 65_536),
  syncs: fc.array(fc.array(operation, { maxLength: 6 }), { minLength: 2, maxLength: 14 }),
  /** Snapshots that the replica never got: the next one is relative to an older one. */
  lost: fc.array(fc.nat({ max: 13 }), { maxLength: 4 }),
});

test(
  "through any history of a database, what deltas make of an older state is its newest",
  async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(history, async ({ journal, pageSize, syncs, lost }) => {
        using taker = new SnapshotTaker();
        using database = new EvolvingDatabase(taker.database, journal as "wal", pageSize);
        for (const [index, operations] of syncs.entries()) {
          for (const each of operations) database.apply(each);
          const { manifest } = await taker.take({ lost: lost.includes(index) });
          if (lost.includes(index)) continue;
          using other = new DatabaseSync(taker.database, { readOnly: true });
          const tables = tablesOf(other);
          expect(Object.keys(taker.replica.contents).sort()).toEqual([...tables].sort());
          for (const table of tables)
            expect(taker.replica.contents[table], table).toEqual(digestsOfTable(other, table));
          const said = manifest.tables.map(({ name, rows, sum }) => [name, `${rows} ${sum}`]);
          expect(Object.fromEntries(said)).toEqual(taker.replica.sums());
          compared++;
        }
      }),
      {
        seed: SEED,
        numRuns: 1_000_000,
        interruptAfterTimeLimit: SECONDS * 1000,
        markInterruptAsFailure: false,
      },
    );
    console.log(`seed ${SEED}: ${compared} snapshots compared`);
    expect(compared).toBeGreaterThan(0);
  },
  (SECONDS + 120) * 1000,
);

/** Those with rows of their own. */
function tablesOf(database: DatabaseSync): string[] {
  const found = database.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  return found.all().map(({ name }) => String(name));
}
