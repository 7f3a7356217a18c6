import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebuiApplication } from "../../support/webui-application.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { webuiSchemas } from "../../support/webui-schema.ts";
import { upgradeWebuiDatabase } from "../../support/webui-upgrade.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(webuiSchemas.length + 2);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Open WebUI up to 0.8 forces a rollback journal unless told otherwise. */
const usualJournal = (schema: string) => (/^v0\.[3-8]\./.test(schema) ? "rollback" : "wal");

/** What a working day leaves behind. */
function work(database: DatabaseSync, seed: number): void {
  const application = new WebuiApplication(database, { seed, first: 1_000_000 * seed });
  for (let step = 0; step < 40; step++) application.act();
}

/** Syncs, and has the checker compare. */
async function expectEqual(id: string, path: string): Promise<void> {
  // A day of a small tenant can take a third of a table with it, which an operator then accepts.
  await rig.syncWithin(id, 2);
  const { rows, tables } = await rig.requireEqual(id, path);
  expect(rows).toBeGreaterThan(100);
  expect(tables).toBeGreaterThan(15);
}

describe("a database of every version is equal after a sync, and after another when it was worked with:", () => {
  test.each(webuiSchemas)("%s", async (schema) => {
    const { id, path } = rig.newTenant();
    createWebuiDatabase(path, { schema, journal: usualJournal(schema), megabytes: 1, odd: true });
    await expectEqual(id, path);
    using database = new DatabaseSync(path);
    work(database, 1);
    await expectEqual(id, path);
  });
});

test.each(["legacy", "fresh"])(
  "a %s database that is taken through the versions stays equal at each, and keeps its identity",
  async (origin) => {
    const versions = webuiSchemas.filter((schema) => schema.endsWith(origin));
    const [first = ""] = versions;
    const { id, path } = rig.newTenant();
    createWebuiDatabase(path, { schema: first, journal: usualJournal(first), chats: 60, odd: true });
    await expectEqual(id, path);
    for (const [step, schema] of versions.slice(1).entries()) {
      using database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      upgradeWebuiDatabase(database, schema);
      database.exec(`PRAGMA journal_mode = ${usualJournal(schema) === "wal" ? "WAL" : "DELETE"}`);
      await expectEqual(id, path);
      work(database, step + 2);
      await expectEqual(id, path);
    }
  },
);
