import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RawText } from "../../../sync-runtime/protocol/value.ts";
import { SEED } from "../../support/random-seed.ts";
import { sqliteValue } from "../protocol/arbitrary.ts";
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

/** With a rowid, a key of its own, no rowid, no key at all, all names of the rowid taken, and columns of every kind. */
const TABLES = [
  "CREATE TABLE t0 (id INTEGER PRIMARY KEY, n, body)",
  "CREATE TABLE t1 (id TEXT PRIMARY KEY, n, body)",
  "CREATE TABLE t2 (id PRIMARY KEY, n, body) WITHOUT ROWID",
  "CREATE TABLE t3 (id, n, body)",
  "CREATE TABLE t4 (id, n, body, rowid, oid, _rowid_)",
  `CREATE TABLE t5 (early AS (n + 1), id INTEGER PRIMARY KEY DESC, kept AS (n * 2) STORED, n REAL, body VARCHAR(9), rowid,
    late AS (n) VIRTUAL)`,
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
      "ALTER TABLE t3 RENAME TO t9",
      "ALTER TABLE t9 RENAME TO t3",
      "ALTER TABLE t5 ADD COLUMN later REAL DEFAULT 7",
      "UPDATE t5 SET n = -7 WHERE id % 3 = 0",
      "UPDATE t0 SET id = -9223372036854775807 + id WHERE id > 0 AND id % 50 = 0",
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

describe("a row that is read off its page", () => {
  it("has the values that SQLite gives, of any class in columns of any declaration", async () => {
    const values = fc.tuple(
      sqliteValue,
      sqliteValue,
      sqliteValue,
      sqliteValue,
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(values, { maxLength: 40 }), fc.boolean(), async (rows, isOlder) => {
        using taker = new SnapshotTaker();
        const database = new DatabaseSync(taker.database);
        database.exec(
          "CREATE TABLE t (a REAL, v AS (a) VIRTUAL, b INTEGER, s AS (b) STORED, c, d TEXT, id INTEGER PRIMARY KEY)",
        );
        const insert = database.prepare("INSERT OR IGNORE INTO t (a, b, c, d, id) VALUES (?, ?, ?, ?, ?)");
        for (const row of rows)
          insert.run(...row.map((value) => (value instanceof RawText ? value.bytes : value)));
        database.exec("UPDATE t SET d = CAST(d AS TEXT) WHERE typeof(d) = 'blob' AND id % 2 = 0");
        if (isOlder)
          database.exec("ALTER TABLE t ADD COLUMN e REAL DEFAULT 3; UPDATE t SET e = 4 WHERE id % 2");
        const taken = await taker.take();
        expectEqual(taker, taken, database);
        const asked = await taker.take({ throughSqlite: true, lost: true });
        expect(asked.manifest.tables).toEqual(taken.manifest.tables);
        database.close();
      }),
      { seed: SEED, numRuns: 15 },
    );
  });
});

describe("a table that is made by another statement than before", () => {
  it("is compared row by row: its pages do not tell what a row without its last value means", async () => {
    using taker = new SnapshotTaker();
    using application = new Application(taker.database, "DELETE");
    application.apply({ do: "insert", table: 0, rows: 3000, bytes: 100 });
    application.run("ALTER TABLE t0 ADD COLUMN kind DEFAULT 'one'");
    expectEqual(taker, await taker.take(), application.database);
    application.database.enableDefensive(false);
    application.run(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'one', 'two') WHERE name = 't0'",
    );
    application.apply({ do: "reopen" });
    expect(application.database.prepare("SELECT DISTINCT kind FROM t0").all()).toEqual([{ kind: "two" }]);
    const taken = await taker.take();
    expect(taken.header.work).toMatchObject([{ table: "t0", whole: false, rows: 3000, removed: 3000 }]);
    expectEqual(taker, taken, application.database);
  });
});

describe("a table whose shape changed", () => {
  it.each([
    [
      "a column was added",
      "ALTER TABLE t0 ADD COLUMN more",
      [{ table: "t0", whole: true, rows: 200, removed: 0 }],
    ],
    ["a column got another name", "ALTER TABLE t0 RENAME COLUMN n TO m", [{ table: "t0", whole: true }]],
    ["it got another name", "ALTER TABLE t0 RENAME TO t9", [{ table: "t9", whole: true }]],
    ["it got an index", "CREATE UNIQUE INDEX i ON t0 (body, id)", []],
    [
      "it got another key",
      "CREATE TABLE new (id INTEGER, n, body, PRIMARY KEY (n, id)); INSERT INTO new SELECT * FROM t0; DROP TABLE t0; ALTER TABLE new RENAME TO t0",
      [],
    ],
  ])("comes whole only if its columns or name did: %s", async (_, sql, work) => {
    using taker = new SnapshotTaker();
    using application = new Application(taker.database, "WAL");
    application.apply({ do: "insert", table: 0, rows: 200, bytes: 100 });
    await taker.take();
    application.run(sql);
    const taken = await taker.take();
    expect(taken.header.work).toMatchObject(work);
    expect(taken.header.work).toHaveLength(work.length);
    expectEqual(taker, taken, application.database);
  });
});

describe("snapshots beside an application that never stops writing", () => {
  it.each([1, 10, 1000])("miss nothing, with a checkpoint every %i pages", async (pages) => {
    using taker = new SnapshotTaker();
    {
      using application = new Application(taker.database, "WAL");
      for (const table of TABLES.keys()) application.apply({ do: "insert", table, rows: 500, bytes: 900 });
    }
    const program = `
      const { DatabaseSync } = require("node:sqlite");
      const database = new DatabaseSync(process.argv[1], { timeout: 5000 });
      database.exec("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = ${pages}");
      console.log("writing");
      process.stdin.resume().on("end", () => process.exit());
      let turn = 0;
      setInterval(() => {
        const table = "t" + (turn++ % 4);
        database.exec("BEGIN; UPDATE " + table + " SET n = n + 1, body = substr(body, 1, length(body) - 1) || 'y' WHERE id % 97 = " + (turn % 97) +
          "; INSERT INTO " + table + " (id, n, body) VALUES (" + (1000000 + turn) + ", 1, hex(zeroblob(" + (turn % 4000) + "))); DELETE FROM " + table + " WHERE id = " + (1000000 + turn - 40) + "; COMMIT");
      }, 1);`;
    const writer = spawn(process.execPath, ["-e", program, taker.database], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(writer.stdout, "data");
    for (let round = 0; round < 12; round++) {
      const { manifest } = await taker.take();
      expect(
        Object.fromEntries(manifest.tables.map(({ name, rows, sum }) => [name, `${rows} ${sum}`])),
      ).toEqual(taker.replica.sums());
    }
    writer.stdin.end();
    await once(writer, "exit");
    const database = new DatabaseSync(taker.database);
    expectEqual(taker, await taker.take(), database);
    database.close();
  });
});

describe("a table of which more changed than is compared", () => {
  it.each([0, 2])("comes whole, and by changes again behind that: t%i", async (table) => {
    using taker = new SnapshotTaker();
    using application = new Application(taker.database, "WAL");
    application.apply({ do: "insert", table, rows: 300, bytes: 400 });
    await taker.take();
    application.run(`UPDATE t${table} SET n = -n`);
    const whole = await taker.take({ mostRows: 100 });
    expect(whole.header.work).toMatchObject([{ table: `t${table}`, whole: true, rows: 300 }]);
    expectEqual(taker, whole, application.database);
    application.run(`UPDATE t${table} SET n = 7 WHERE id = 200`);
    const changed = await taker.take();
    expect(changed.header.work).toMatchObject([{ table: `t${table}`, whole: false, rows: 1, removed: 1 }]);
    expectEqual(taker, changed, application.database);
  });
});

describe("a row whose overflow page is overwritten in place", () => {
  it.each(["WAL", "DELETE"])("has changed, though its leaf has not: in %s mode", async (journal) => {
    using taker = new SnapshotTaker();
    using application = new Application(taker.database, journal);
    application.apply({ do: "insert", table: 3, rows: 40, bytes: 300_000 });
    await taker.take();
    const before = readFileSync(taker.database);
    application.run(
      "UPDATE t3 SET body = substr(body, 1, 150000) || 'x' || substr(body, 150002) WHERE rowid = 20; PRAGMA wal_checkpoint(TRUNCATE)",
    );
    const after = readFileSync(taker.database);
    const changed = Array.from({ length: after.length / 4096 }, (_, page) => 4096 * page).filter(
      (at) => at > 0 && !after.subarray(at, at + 4096).equals(before.subarray(at, at + 4096)),
    );
    if (journal === "DELETE") expect(changed).toHaveLength(1);
    const taken = await taker.take();
    expect(taken.header.work).toMatchObject([{ table: "t3", rows: 1, removed: 1 }]);
    expectEqual(taker, taken, application.database);
  });
});

describe("what is read for a few changed rows", () => {
  it.each([
    ["goes by the frames of the -wal", "WAL", ""],
    ["goes by the pages behind a checkpoint", "WAL", "PRAGMA wal_checkpoint(TRUNCATE)"],
    ["goes by the pages with a rollback journal", "DELETE", ""],
  ])("%s, not by the table", async (_, journal, between) => {
    using taker = new SnapshotTaker();
    using application = new Application(taker.database, journal);
    for (let round = 0; round < 4; round++)
      application.apply({ do: "insert", table: 1, rows: 3000, bytes: 300 });
    const first = await taker.take();
    application.run(`${between}; UPDATE t1 SET n = -1 WHERE id IN (500, 9000)`);
    const { header, contentBytes, ...taken } = await taker.take();
    expect(header.work).toMatchObject([{ table: "t1", rows: 2, removed: 2 }]);
    expect(contentBytes).toBeLessThan(first.contentBytes / 20);
    expectEqual(taker, { header, contentBytes, ...taken }, application.database);
  });
});

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
        { seed: SEED, numRuns: Number(process.env.OWUI_DELTA_RUNS ?? 15) },
      );
    },
  );
});
