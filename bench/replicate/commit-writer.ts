/**
 * Stands in for a running Open WebUI: `node commit-writer.ts <webui.db> <pause ms>`. Rewrites one chat per commit, the
 * way the application saves an answer, with the settings that it opens its database with, until stdin ends; then
 * prints the milliseconds that each commit took, as a JSON array.
 */
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

const [path = "", pauseMs = "10"] = process.argv.slice(2);
const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: false });
database.exec(`
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -65536;
  PRAGMA temp_store = MEMORY;
  PRAGMA mmap_size = 268435456;
`);
const ids = database.prepare("SELECT id FROM chat ORDER BY id").all();
const read = database.prepare("SELECT chat FROM chat WHERE id = ?");
const save = database.prepare("UPDATE chat SET chat = ?, updated_at = ? WHERE id = ?");
let ended = false;
process.stdin.once("end", () => {
  ended = true;
});
process.stdin.resume();
const milliseconds: number[] = [];
for (let turn = 0; !ended; turn++) {
  const id = String(ids[(turn * 7919) % ids.length]?.id);
  const chat = JSON.parse(String(read.get(id)?.chat));
  chat.timestamp = turn;
  const text = JSON.stringify(chat);
  const began = performance.now();
  database.exec("BEGIN IMMEDIATE");
  save.run(text, turn, id);
  database.exec("COMMIT");
  milliseconds.push(performance.now() - began);
  await pause(Number(pauseMs));
}
database.close();
process.stdout.write(JSON.stringify(milliseconds));
