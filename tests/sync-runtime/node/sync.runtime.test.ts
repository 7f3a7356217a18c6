import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;
let node: NodeProcess;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme", "globex"]);
  node = await fleet.startNode("a");
});
afterAll(() => fleet[Symbol.asyncDispose]());

interface Status {
  tenants: {
    id: string;
    last: { status: string; error?: string };
    replica: { tables: number; rows: number; equal: boolean; verified_at: string };
  }[];
}
const statusOf = async (tenant: string) =>
  (await node.get<Status>("/api/v1/sync/status")).tenants.find(({ id }) => id === tenant);
const chats = async (where: string) =>
  (await fleet.admin.query(`SELECT id, title FROM tenant_acme.chat WHERE ${where}`)).rows;

test("every tenant's first sync comes by itself and leaves an equal replica, odd values included", async () => {
  for (const tenant of ["acme", "globex"]) {
    expect(await fleet.nextJob(tenant)).toMatchObject({ status: "success", error: null });
    const status = await statusOf(tenant);
    expect(status).toMatchObject({ last: { status: "success" }, replica: { equal: true } });
    expect(status?.replica.tables).toBeGreaterThan(40);
    expect(status?.replica.rows).toBeGreaterThan(200);
  }
});

test("nothing written means nothing sent, and the replica is verified anew", async () => {
  const before = (await statusOf("acme"))?.replica.verified_at as string;
  // Right behind a write the agent cannot tell a stamp from the next one's, and reads again.
  const job = await until("a sync finds nothing changed", async () => {
    const job = await fleet.sync("acme");
    return job.status === "unchanged" && job;
  });
  expect(job.rows).toBe("0");
  expect((await statusOf("acme"))?.replica.verified_at).not.toBe(before);
});

test("the application's inserts, updates, deletes and schema changes arrive, and what vanished is kept", async () => {
  using source = fleet.source("acme");
  const [gone] = await chats("true ORDER BY id LIMIT 1");
  source.exec(`
    UPDATE chat SET title = 'renamed' WHERE id <> '${gone.id}';
    DELETE FROM chat WHERE id = '${gone.id}';
    CREATE TABLE addition (id TEXT PRIMARY KEY, content JSON);
    INSERT INTO addition VALUES ('1', '{"a": 1}');
    ALTER TABLE tag ADD COLUMN colour TEXT DEFAULT 'red';
  `);
  expect(await fleet.sync("acme")).toMatchObject({ status: "success", error: null });
  expect(await chats("title <> 'renamed'")).toEqual([]);
  expect((await fleet.admin.query("SELECT DISTINCT colour FROM tenant_acme.tag")).rows).toEqual([
    { colour: "red" },
  ]);
  expect((await fleet.admin.query("SELECT content FROM tenant_acme.addition")).rows).toEqual([
    { content: { a: 1 } },
  ]);
  const tombstones = await fleet.admin.query(
    "SELECT content ->> 'id' AS id FROM tenant_acme._replica_tombstones WHERE source = 'chat'",
  );
  expect(tombstones.rows).toEqual([{ id: gone.id }]);
});

test("a byte altered past the triggers is reported as not equal, then repaired", async () => {
  await fleet.admin.query("SET session_replication_role = replica");
  const { rows } = await fleet.admin.query(
    "UPDATE tenant_acme.chat SET title = 'altered' WHERE id = (SELECT min(id) FROM tenant_acme.chat) RETURNING id",
  );
  await fleet.admin.query("RESET session_replication_role");
  const failed = await fleet.sync("acme");
  expect(failed.status).toBe("failed");
  expect(failed.error).toMatch(/^The replica is not equal: chat has \d+ rows of other content\./);
  expect(await statusOf("acme")).toMatchObject({ last: { status: "failed" }, replica: { equal: false } });
  expect(await fleet.nextJob("acme", failed.started_at)).toMatchObject({ status: "success" });
  expect(await chats(`id = '${rows[0].id}'`)).toMatchObject([{ title: "renamed" }]);
});

test("what Postgres quotes of a row in an error's details is in no log and no answer", async () => {
  const SECRET = "the row's own secret";
  await fleet.admin.query(`
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'refused for the test' USING DETAIL = 'Failing row contains (${SECRET.replace("'", "''")})', ERRCODE = '23514';
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON tenant_acme.chat FOR EACH ROW EXECUTE FUNCTION public.refuse()`);
  using source = fleet.source("acme");
  source.exec("UPDATE chat SET title = 'refused' WHERE id = (SELECT min(id) FROM chat)");
  const failed = await fleet.sync("acme");
  await fleet.admin.query("DROP FUNCTION public.refuse() CASCADE");
  expect(failed).toMatchObject({ status: "failed" });
  expect(node.log.some((line) => JSON.stringify(line).includes("refused for the test"))).toBe(true);
  expect(JSON.stringify(node.log)).not.toContain(SECRET);
  expect(JSON.stringify([failed, await statusOf("acme")])).not.toContain(SECRET);
  expect(await fleet.nextJob("acme", failed.started_at)).toMatchObject({ error: null });
});

test("an agent that is away fails its tenants' syncs, and is asked again until it is back", async () => {
  await fleet.agent.stop("SIGKILL");
  const failed = await fleet.sync("acme");
  expect(failed).toMatchObject({
    status: "failed",
    error: expect.stringContaining("The agent of host local"),
  });
  expect(await statusOf("acme")).toMatchObject({ replica: { equal: true } });
  const reach = async () => (await node.ask("GET", "/metrics", await node.token("read"))).body;
  expect(await reach()).toContain('agent_unreachable{host="local"} 1');
  await fleet.agent.run();
  await fleet.declare();
  expect(await fleet.nextJob("acme", failed.started_at)).toMatchObject({ error: null });
  expect(await reach()).toContain('agent_unreachable{host="local"} 0');
});

test("an agent with another host's certificate is refused, and so is one with a node's", async () => {
  const { authority } = fleet.agent;
  const foreign = [await authority.agent("elsewhere"), await authority.node("main", "b")];
  for (const credentials of foreign) {
    await fleet.agent.stop();
    fleet.agent.install(credentials);
    await fleet.agent.run();
    await fleet.declare();
    const failed = await fleet.sync("globex");
    expect(failed).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/its certificate is not that of urn:owui:agent:local but of .*urn:owui:/),
    });
  }
  await fleet.agent.stop();
  fleet.agent.install(await authority.agent("local"));
  await fleet.agent.run();
  await fleet.declare();
  expect(await fleet.sync("globex")).toMatchObject({ error: null });
});

test("the metrics bear the names dashboards are built on", async () => {
  const { body } = await node.ask("GET", "/metrics", await node.token("read"));
  for (const line of [
    /^sync_operations_total\{client="acme",status="success"\} \d/m,
    /^sync_operations_total\{client="acme",status="failed"\} \d/m,
    /^sync_duration_seconds_bucket\{le="600",client="acme"\} \d/m,
    /^sync_rows_processed_total\{client="acme",table="chat"\} \d/m,
    /^replica_rows\{client="acme",table="chat"\} \d/m,
    /^replica_verified_timestamp_seconds\{client="acme"\} \d/m,
    /^replica_sync_interval_seconds\{client="acme",host="local"\} 3600$/m,
    /^tenant_users\{client="acme"\} \d/m,
    /^leader_elections_total\{result="won"\} 1$/m,
    /^sync_lease_epoch\{cluster="main"\} 1$/m,
    /^sync_queue_oldest_seconds 0$/m,
    /^agent_unreachable\{host="local"\} 0$/m,
    /^certificate_expires_timestamp_seconds\{certificate="urn:owui:node:main:a"\} \d/m,
    /^sync_container_is_leader\{node_id="a"\} 1$/m,
  ])
    expect(body).toMatch(line);
});

test("a node keeps to 100 MB of anonymous memory", () => {
  expect(node.anonymousMemory()).toBeLessThan(100 * 1024 * 1024);
});

test("no secret and no tenant's data stands in the log", async () => {
  const log = JSON.stringify(node.log);
  expect(log).not.toContain(fleet.database.credentials("sync_main").password);
  expect(log).not.toContain("renamed");
});
