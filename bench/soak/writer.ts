/**
 * Stands in for a tenant's application for as long as it lives: `node writer.ts <webui.db> <seed> <pause ms>`. Does what
 * people do, one transaction after the other, sometimes several things in one, sometimes a checkpoint, VACUUM or restart.
 * `pause` on stdin: it ends what it does and answers `paused`; `resume`: it goes on. Tells its commits every second.
 */
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { Random } from "../../tests/support/webui/random.ts";
import { WebuiApplication } from "../../tests/support/webui-application.ts";

const [path = "", seed = "1", pause = "100"] = process.argv.slice(2);
const random = new Random("soak", seed, process.pid);
let database = open();
let application = apply();
let paused = false;
let commits = 0;
let longest = 0;

function open(): DatabaseSync {
  const opened = new DatabaseSync(path, { timeout: 10_000, enableForeignKeyConstraints: false });
  opened.exec("PRAGMA synchronous = OFF");
  return opened;
}

function apply(): WebuiApplication {
  return new WebuiApplication(database, { seed: process.pid, first: Date.now() });
}

/** One transaction of one or a few things; never so many deletions that a replica would be held for them. */
function act(): void {
  const began = performance.now();
  database.exec("BEGIN IMMEDIATE");
  for (let things = random.chance(0.1) ? 5 : 1; things > 0; things--) {
    if (random.chance(0.02)) application.removeChat();
    else application.act({ large: false, losing: false });
  }
  database.exec(random.chance(0.03) ? "ROLLBACK" : "COMMIT");
  longest = Math.max(longest, performance.now() - began);
  commits++;
}

/** What happens seldom. */
function upkeep(): void {
  const turn = random.below(400);
  if (turn === 0) database.exec("VACUUM");
  if (turn === 1) database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  if (turn === 2) {
    database.close();
    database = open();
    application = apply();
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  paused = line === "pause";
  if (paused) console.log("paused");
});
setInterval(() => {
  console.log(`commits ${commits} longest ${longest.toFixed(0)}`);
  commits = 0;
  longest = 0;
}, 1000);

for (;;) {
  try {
    if (!paused) {
      act();
      upkeep();
    }
  } catch (error) {
    // Busy for too long: an application would tell its user, and go on.
    if (database.isTransaction) database.exec("ROLLBACK");
    console.log(`refused ${(error as Error).message}`);
  }
  await setTimeout(Number(pause) * 2 * random.next());
}
