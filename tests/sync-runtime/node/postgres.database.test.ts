import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Postgres } from "../../../sync-runtime/node/postgres.ts";
import { TestDatabase } from "../../support/postgres.ts";

let database: TestDatabase;
let postgres: Postgres;

beforeAll(async () => {
  database = await TestDatabase.create();
  const log = pino({ enabled: false });
  postgres = new Postgres(database.credentials("sync_main"), 1, "run:0:a", log);
});
afterAll(async () => {
  await postgres?.close();
  await database?.drop();
});

/** The server's process behind the next use of a connection. */
const processNow = () =>
  postgres.withConnection(async (client) => {
    const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
    return rows[0].pid as number;
  });

test("a connection is made anew after some hundreds of uses, and nobody notices", async () => {
  const processes: number[] = [];
  for (let use = 0; use < 1_000; use += 1) processes.push(await processNow());
  const different = new Set(processes).size;
  expect(different).toBeGreaterThan(1);
  expect(different).toBeLessThan(10);
});
