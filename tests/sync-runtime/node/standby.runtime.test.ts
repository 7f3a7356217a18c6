import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import { type RunningPostgres, startServer } from "../../support/postgres-server.ts";
import { Standby } from "../../support/standby.ts";
import { TestFleet } from "./fleet.ts";
import { TcpDoor } from "./tcp-door.ts";

let primary: RunningPostgres;
let fleet: TestFleet;
let standby: Standby;
beforeAll(async () => {
  primary = await startServer({ name: "owui-test-primary", arguments: [], settings: ["max_wal_senders=4"] });
  fleet = await TestFleet.start(["acme"], 20, primary.server);
  standby = await Standby.of(primary);
});
afterAll(async () => {
  await standby?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
  await primary?.stop();
});

test("nodes go on with a promoted standby: it has what reached it, the next sync brings the rest, and a node that stays with the old server does it no harm", async () => {
  let server = primary.server;
  await using door = await TcpDoor.to(() => server);
  const moving = await fleet.startNode("a", { postgres: door.address });
  const staying = await fleet.startNode("b");
  await fleet.sync("acme", moving);
  const { rows } = await fleet.admin.query("SELECT pg_current_wal_lsn()::text AS place");
  await standby.has(rows[0].place);
  const before = await fleet.admin.query("SELECT committed_sync FROM sync_metadata.replicas");

  door.shut();
  await standby.promote();
  server = standby.server;
  // The old server goes on, with a node that knows of nothing, and commits what the new one never sees.
  using source = fleet.source("acme");
  source.exec("UPDATE chat SET title = 'behind the failover'");
  expect(await fleet.sync("acme", staying)).toMatchObject({ node: "b", error: null });

  const promoted = new pg.Client({ ...standby.server, database: fleet.database.name });
  promoted.on("error", () => {});
  await promoted.connect();
  const replicaOf = async (client: pg.Client) =>
    (await client.query("SELECT committed_sync, verified_at, equal FROM sync_metadata.replicas")).rows[0];
  expect((await replicaOf(promoted)).committed_sync).toBe(before.rows[0].committed_sync);

  door.open();
  await until("node a leads with the new server", async () => {
    const { rows } = await promoted.query(
      "SELECT FROM sync_metadata.leader_election WHERE node = 'a' AND expires_at > clock_timestamp()",
    );
    return rows.length === 1;
  });
  await moving.trigger("acme");
  const synced = await until("a sync is committed there", async () => {
    const replica = await replicaOf(promoted);
    return replica.committed_sync !== before.rows[0].committed_sync && replica;
  });
  expect(synced.equal).toBe(true);
  const { rows: stale } = await promoted.query(
    "SELECT count(*)::int AS stale FROM tenant_acme.chat WHERE title <> 'behind the failover'",
  );
  expect(stale).toEqual([{ stale: 0 }]);
  // Asked by turns by nodes of two servers, the source stays equal to each.
  for (const title of ["one", "two"]) {
    source.exec(`UPDATE chat SET title = '${title}'`);
    expect(await fleet.sync("acme", staying)).toMatchObject({ error: null });
    const { rows: now } = await promoted.query("SELECT clock_timestamp()::text AS now");
    await moving.trigger("acme");
    await until("the new server has it", async () => {
      const { rows } = await promoted.query(
        "SELECT FROM sync_metadata.sync_jobs WHERE finished_at > $1 AND status = 'success'",
        [now[0].now],
      );
      return rows.length > 0;
    });
    const { rows: seen } = await promoted.query("SELECT DISTINCT title FROM tenant_acme.chat");
    expect(seen).toEqual([{ title }]);
  }
  await promoted.end();
});
