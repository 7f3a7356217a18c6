import { copyFileSync, renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestsOfDatabase, SnapshotTaker, type TakenSnapshot } from "./snapshot-taker.ts";

/** Something that happens to a database between two syncs. */
type Step =
  | { do: "insert"; table: number; rows: number; bytes: number }
  | { do: "rewrite"; table: number; pick: number; bytes: number }
  | { do: "overwrite"; table: number; pick: number; byte: number }
  | { do: "touch"; table: number; pick: number }
  | { do: "delete"; table: number; pick: number; rows: number }
  | { do: "revert"; table: number; pick: number }
  | { do: "sql"; sql: string }
  | { do: "reopen" }
  | { do: "replace" }
  | { do: "roll back" };

/** With a rowid, with a key of its own, without a rowid, without any key, with all names of the rowid taken. */
const TABLES = [
  "CREATE TABLE t0 (id INTEGER PRIMARY KEY, n, body)",
  "CREATE TABLE t1 (id TEXT PRIMARY KEY, n, body)",
  "CREATE TABLE t2 (id PRIMARY KEY, n, body) WITHOUT ROWID",
  "CREATE TABLE t3 (id, n, body)",
  "CREATE TABLE t4 (id, n, body, rowid, oid, _rowid_)",
];

const table = fc.nat(TABLES.length - 1);
const pick = fc.nat(1000);
/** Nothing, some rows on a page, about a page, several pages. */
const bytes = fc.oneof(fc.nat(60), fc.integer({ min: 400, max: 600 }), fc.nat(5000), fc.nat(40_000));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("insert" as const), table, rows: fc.integer({ min: 1, max: 60 }), bytes }),
  fc.record({ do: fc.constant("rewrite" as const), table, pick, bytes }),
  fc.record({ do: fc.constant("overwrite" as const), table, pick, byte: fc.nat(255) }),
  fc.record({ do: fc.constant("touch" as const), table, pick }),
  fc.record({ do: fc.constant("delete" as const), table, pick, rows: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant("revert" as const), table, pick }),
  fc.record({
    do: fc.constant("sql" as const),
    sql: fc.constantFrom(
      "VACUUM",
      "PRAGMA wal_checkpoint(PASSIVE)",
      "PRAGMA wal_checkpoint(FULL)",
      "PRAGMA wal_checkpoint(RESTART)",
      "PRAGMA wal_checkpoint(TRUNCATE)",
      "PRAGMA journal_mode = WAL",
      "PRAGMA journal_mode = DELETE",
      "PRAGMA auto_vacuum = FULL; VACUUM",
      "PRAGMA auto_vacuum = INCREMENTAL; VACUUM",
      "PRAGMA incremental_vacuum(5)",
      "PRAGMA page_size = 1024; VACUUM",
      "PRAGMA page_size = 4096; VACUUM",
      "ALTER TABLE t0 ADD COLUMN more DEFAULT 'of this'",
      "ALTER TABLE t0 DROP COLUMN more",
      "ALTER TABLE t1 RENAME COLUMN n TO m",
      "ALTER TABLE t1 RENAME COLUMN m TO n",
      "ALTER TABLE t3 RENAME TO t5",
      "ALTER TABLE t5 RENAME TO t3",
      "CREATE INDEX i3 ON t0 (n)",
      "DROP INDEX i3",
      "DROP TABLE t1; CREATE TABLE t1 (id TEXT PRIMARY KEY, n, body)",
      "CREATE TABLE copy AS SELECT * FROM t0; DROP TABLE t0; ALTER TABLE copy RENAME TO t0",
      "DELETE FROM t3",
    ),
  }),
  fc.constant<Step>({ do: "reopen" }),
  fc.constant<Step>({ do: "replace" }),
  fc.constant<Step>({ do: "roll back" }),
);

/** An application that writes to the database of a taker. */
class Application implements Disposable {
  readonly #path: string;
  #database: DatabaseSync;
  #counter = 0;

  constructor(path: string, journal: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path);
    this.run(`PRAGMA journal_mode = ${journal}; ${TABLES.join(";")}`);
  }

  get database(): DatabaseSync {
    return this.#database;
  }

  /** Runs statements; those that cannot be run now are not. */
  run(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    }
  }

  apply(step: Step): void {
    const name = "table" in step ? `t${step.table}` : "";
    const one =
      "pick" in step
        ? `(SELECT id FROM ${name} ORDER BY id LIMIT 1 OFFSET ${step.pick} % max(1, (SELECT count(*) FROM ${name})))`
        : "";
    if (step.do === "insert") this.#insert(name, step.rows, step.bytes);
    if (step.do === "rewrite")
      this.run(`UPDATE ${name} SET body = hex(zeroblob(${step.bytes} / 2)) WHERE id = ${one}`);
    if (step.do === "overwrite")
      this.run(
        `UPDATE ${name} SET body = substr(body, 1, length(body) - 3) || printf('%03d', ${step.byte}) WHERE id = ${one} AND length(body) > 3`,
      );
    if (step.do === "touch") this.run(`UPDATE ${name} SET n = n + 1 WHERE id = ${one}`);
    if (step.do === "delete")
      this.run(
        `DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} WHERE id >= ${one} ORDER BY id LIMIT ${step.rows})`,
      );
    if (step.do === "revert")
      this.run(
        `UPDATE ${name} SET n = n + 1 WHERE id = ${one}; UPDATE ${name} SET n = n - 1 WHERE id = ${one}`,
      );
    if (step.do === "sql") this.run(step.sql);
    if (step.do === "roll back")
      this.run(
        "PRAGMA cache_size = 3; BEGIN; UPDATE t0 SET body = body || 'x'; DELETE FROM t3; ROLLBACK; PRAGMA cache_size = 500",
      );
    if (step.do === "reopen") this.#reopen(() => {});
    if (step.do === "replace")
      this.#reopen(() => {
        copyFileSync(this.#path, `${this.#path}.new`);
        renameSync(`${this.#path}.new`, this.#path);
      });
  }

  #insert(name: string, rows: number, bytes: number): void {
    const first = this.#counter;
    this.#counter += rows;
    // Rows of the keyless table come twice.
    this.run(`WITH n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${first + rows - 1})
      INSERT INTO ${name} (id, n, body) SELECT ${name === "t3" ? "i / 2" : "i"}, i / 2, substr(hex(zeroblob(${bytes})), 1, ${bytes}) FROM n`);
  }

  #reopen(meanwhile: () => void): void {
    this.#database.close();
    meanwhile();
    this.#database = new DatabaseSync(this.#path);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** The replica that the deltas made is the database, and the manifest says so. */
function expectEqual(taker: SnapshotTaker, { manifest }: TakenSnapshot, database: DatabaseSync): void {
  expect(taker.replica.contents).toEqual(digestsOfDatabase(database));
  expect(Object.fromEntries(manifest.tables.map(({ name, rows, sum }) => [name, `${rows} ${sum}`]))).toEqual(
    taker.replica.sums(),
  );
}

describe("a replica that is sent what changed", () => {
  it.each(["WAL", "DELETE"])(
    "is the database, whatever was done to it, beginning in %s mode",
    async (journal) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { maxLength: 8 }), { minLength: 2, maxLength: 8 }),
          async (syncs) => {
            using taker = new SnapshotTaker();
            using application = new Application(taker.database, journal);
            for (const at of TABLES.keys())
              application.apply({ do: "insert", table: at, rows: 50, bytes: 500 });
            expectEqual(taker, await taker.take(), application.database);
            for (const steps of syncs) {
              for (const next of steps) application.apply(next);
              const taken = await taker.take();
              expect(taken.header.mode).toBe("delta");
              expectEqual(taker, taken, application.database);
            }
          },
        ),
        { numRuns: Number(process.env.OWUI_DELTA_RUNS ?? 25) },
      );
    },
  );
});
