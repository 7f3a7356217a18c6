/**
 * Writes to a database so that a snapshot of two moments cannot go unseen: `node ledger-writer.ts <path> wal|rollback`.
 * Every transaction sets all rows of `ledger`, which lie before and behind much else in the file, to its number; every
 * third one is rolled back when many of its pages have been written to the file already. Prints a line per transaction
 * until it is killed.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";

const [path = "", journal = ""] = process.argv.slice(2);
const database = new DatabaseSync(path, { timeout: 5000 });
database.exec(`PRAGMA journal_mode = ${journal === "wal" ? "WAL" : "DELETE"}; PRAGMA synchronous = OFF`);
const ROWS = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)";
database.exec(`
  CREATE TABLE ledger (turn INTEGER NOT NULL, filler BLOB);
  ${ROWS} INSERT INTO ledger SELECT 0, randomblob(3000) FROM n;
  CREATE TABLE much (filler BLOB);
  ${ROWS} INSERT INTO much SELECT randomblob(100000) FROM n;
  ${ROWS} INSERT INTO ledger SELECT 0, randomblob(3000) FROM n;
  -- A cache this small has a transaction write its pages to the file before it commits.
  PRAGMA cache_size = 5;
`);
const update = database.prepare("UPDATE ledger SET turn = ?, filler = randomblob(3000)");
for (let turn = 1; ; turn++) {
  database.exec("BEGIN IMMEDIATE");
  update.run(turn);
  database.exec(turn % 3 === 0 ? "ROLLBACK" : "COMMIT");
  console.log(turn);
  // Long enough for a reader to get its lock, and too short for it to copy the file.
  await setTimeout(3);
}
