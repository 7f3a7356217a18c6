import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type pg from "pg";
import { expect, test } from "vitest";
import { query } from "../../../sync-runtime/database/query.ts";
import { intentOf, TestDatabase } from "../../support/postgres.ts";

const TENANTS = Array.from({ length: 300 }, (_, nth) => `tenant-${nth}`);
const CLAIMS = 1_500;

const REFILL = `
  INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, status, due_at)
  SELECT d.cluster, d.id, 'interval', 'queued', now() FROM sync_metadata.client_deployments AS d
  WHERE NOT EXISTS (
    SELECT FROM sync_metadata.sync_jobs AS j WHERE j.tenant = d.id AND j.status IN ('queued', 'running')
  )`;

// Ten nodes that claim at once meet rows that changed in that very moment, which Postgres then looks at once more.
test("claims that race end no connection, and give no job to two", async () => {
  const database = await TestDatabase.create();
  await database.apply(intentOf(TENANTS));
  const admin = await connect(database, "postgres");
  const claimed: string[] = [];
  let ended = false;

  const claim = async (node: string, run: string) => {
    const client = await connect(database, "sync_main");
    while (claimed.length < CLAIMS && !ended) {
      const { rows } = await client.query(query("claim-job"), ["main", node, run, 30, []]);
      const [job] = rows;
      if (!job) await pause(5);
      else {
        claimed.push(job.id);
        await client.query(
          "UPDATE sync_metadata.sync_jobs SET status = 'unchanged', finished_at = now() WHERE id = $1",
          [job.id],
        );
      }
    }
  };
  const refill = async () => {
    while (claimed.length < CLAIMS && !ended) {
      await admin.query(REFILL);
      await pause(50);
    }
  };
  const nodes = Array.from({ length: 10 }, (_, nth) => ({ id: `node-${nth}`, run: randomUUID() }));
  try {
    await admin.query(
      "INSERT INTO sync_metadata.nodes (id, cluster, run) SELECT n.id, 'main', n.run FROM jsonb_to_recordset($1) AS n (id text, run uuid)",
      [JSON.stringify(nodes)],
    );
    await Promise.all([refill(), ...nodes.map(({ id, run }) => claim(id, run))]).finally(() => {
      ended = true;
    });
  } finally {
    await database.drop();
  }
  expect(new Set(claimed).size).toBe(claimed.length);
});

/** A connection whose end is told by its next statement. */
async function connect(database: TestDatabase, login: "postgres" | "sync_main"): Promise<pg.Client> {
  const client = await database.connect(login);
  client.on("error", () => {});
  return client;
}
