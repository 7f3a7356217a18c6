/**
 * Stands in for a running Open WebUI: `node webui-writer.ts <webui.db> [pause]`. Commits one transaction after the
 * other, each moving an amount between two rows and adding a chat, and prints how long each took in milliseconds. A
 * line on stdin makes it close the database cleanly; otherwise it goes on until it is killed.
 */
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { addChats } from "./webui-database.ts";

const [path = "", pause = "5"] = process.argv.slice(2);
const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: false });
database.exec(`
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS balance (id TEXT PRIMARY KEY, amount INTEGER NOT NULL);
  INSERT OR IGNORE INTO balance VALUES ('a', 1000000), ('b', 0);
`);
let asked = false;
once(process.stdin, "data").then(() => {
  asked = true;
});
for (let turn = 0; !asked; turn++) {
  const began = performance.now();
  database.exec("BEGIN IMMEDIATE; UPDATE balance SET amount = amount - 1 WHERE id = 'a'");
  addChats(database, 10_000 + turn, 1, 2000);
  database.exec("UPDATE balance SET amount = amount + 1 WHERE id = 'b'; COMMIT");
  console.log((performance.now() - began).toFixed(1));
  await setTimeout(Number(pause));
}
database.close();
process.exit();
