import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;
let node: NodeProcess;
let other: NodeProcess;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"], 60);
  node = await fleet.startNode("a");
  other = await fleet.startNode("b");
  expect(await fleet.nextJob("acme")).toMatchObject({ status: "success" });
});
afterAll(() => fleet[Symbol.asyncDispose]());

interface Table {
  table: string;
  rows: number;
  rows_total: number;
  bytes: number;
}
interface Status {
  last: { status: string; error?: string; progress: { tables: Table[] } | null };
  running: { kind: string; progress: { tables: Table[] } | null } | null;
  replica: { equal: boolean; held: { id: string; reason: string; text: string; accepted: boolean } | null };
}
const status = async () => {
  const { tenants } = await node.get<{ tenants: Status[] }>("/api/v1/sync/status");
  return tenants[0] as Status;
};
const history = async () =>
  (await node.get<{ jobs: Record<string, unknown>[] }>("/api/v1/sync/history?client=acme&limit=1")).jobs[0];
const chats = async () =>
  Number((await fleet.admin.query("SELECT count(*) FROM tenant_acme.chat")).rows[0].count);
/** A gauge as each of the nodes tells it. */
const gauge = async (line: string) => {
  const bodies = await Promise.all(
    [node, other].map(async (each) => (await each.ask("GET", "/metrics", await each.token("read"))).body),
  );
  return bodies.map((body) =>
    body
      .split("\n")
      .find((each) => each.startsWith(line))
      ?.split(" ")
      .at(-1),
  );
};
const snapshots = () => fleet.agent.log.filter(({ msg }) => msg === "snapshot was sent").length;
const data = () => fleet.agent.path("tenants", "acme", "data");

/** The next job of the tenant that ends behind what is done. */
async function ended(act: () => Promise<unknown>) {
  const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
  await act();
  return fleet.nextJob("acme", rows[0].now);
}

describe("a source that lost most of its chats", () => {
  test("is not followed: the replica is held, and both nodes say so", async () => {
    using source = fleet.source("acme");
    source.exec("DELETE FROM chat WHERE rowid > 10");
    const before = await chats();
    expect(await fleet.sync("acme")).toMatchObject({ status: "held" });
    expect((await status()).replica).toMatchObject({
      equal: true,
      held: { reason: "rows-vanished", text: expect.stringMatching(/of the \d+ of chat/), accepted: false },
    });
    expect(await chats()).toBe(before);
    expect(await gauge('replica_held{client="acme"}')).toEqual(["1", "1"]);
  });

  test("is not read again while nothing is written, whoever asks", async () => {
    const { id } = (await status()).replica.held as { id: string };
    // Right behind a write the agent cannot tell a stamp from the next one's, and reads again.
    await until("a held sync is sent nothing", async () => {
      const sent = snapshots();
      expect(await fleet.sync("acme", other)).toMatchObject({ status: "held" });
      return snapshots() === sent;
    });
    expect((await status()).replica.held?.id).toBe(id);
  });

  test("is followed when an operator accepts this very occasion", async () => {
    expect(await node.order("accept", "acme", { held: randomUUID() })).toBe(409);
    const { id } = (await status()).replica.held as { id: string };
    const job = await ended(() => node.order("accept", "acme", { held: id }));
    expect(job).toMatchObject({ status: "success", error: null });
    expect((await status()).replica).toMatchObject({ equal: true, held: null });
    expect(await chats()).toBe(10);
    expect(await gauge('replica_held{client="acme"}')).toEqual(["0", "0"]);
  });
});

describe("data of another identity in the tenant's directory", () => {
  test("holds the replica until the right data is back", async () => {
    const path = join(data(), ".owui-identity.json");
    const own = readFileSync(path, "utf8");
    writeFileSync(path, JSON.stringify({ ...JSON.parse(own), id: randomUUID() }));
    expect(await fleet.sync("acme")).toMatchObject({ status: "held" });
    expect((await status()).replica.held).toMatchObject({ reason: "identity-changed" });
    expect(await chats()).toBe(10);
    writeFileSync(path, own);
    expect((await fleet.sync("acme")).error).toBeNull();
    expect((await status()).replica.held).toBeNull();
  });
});

describe("a volume that is not mounted", () => {
  test.each(["webui.db", ".owui-identity.json"])(
    "(no %s) is an error in an operator's words, and the replica keeps what it has",
    async (file) => {
      renameSync(join(data(), file), fleet.agent.path("aside"));
      expect(await fleet.sync("acme")).toMatchObject({ status: "failed" });
      const { last, replica } = await status();
      expect(last.error).toContain("data volume is mounted");
      expect(replica).toMatchObject({ equal: true, held: null });
      expect(await chats()).toBe(10);
      renameSync(fleet.agent.path("aside"), join(data(), file));
      expect((await fleet.sync("acme")).error).toBeNull();
    },
  );
});

test("a data directory that is gone as a whole is told in the same words", async () => {
  renameSync(data(), fleet.agent.path("aside"));
  expect(await fleet.sync("acme")).toMatchObject({
    status: "failed",
    error: expect.stringMatching(
      /^Host local has no data directory of tenant acme\. Check that its data volume is mounted/,
    ),
  });
  renameSync(fleet.agent.path("aside"), data());
  expect((await fleet.sync("acme")).error).toBeNull();
});

describe("a deep verification", () => {
  test("finds what was altered behind the digests, repairs it, and tells which row", async () => {
    const { rows } = await fleet.admin
      .query(`
      ALTER TABLE tenant_acme.chat ALTER COLUMN _replica_digest DROP EXPRESSION;
      UPDATE tenant_acme.chat SET title = 'altered' WHERE id = (SELECT min(id) FROM tenant_acme.chat);
      SELECT min(id) AS id FROM tenant_acme.chat`)
      .then((results) => (results as unknown as (typeof results)[]).at(-1) as typeof results);
    const job = await ended(() => other.order("verify", "acme"));
    expect(job).toMatchObject({ status: "success", error: null });
    expect(await history()).toMatchObject({
      ...{ id: job.id, client: "acme", kind: "verify", reason: "manual", status: "success", differences: 1 },
      differing: [{ table: "chat", altered: 1, missing: 0, extra: 0, digest: 0 }],
    });
    const { differences } = await node.get<{ differences: unknown[] }>(`/api/v1/sync/differences/${job.id}`);
    expect(differences).toMatchObject([{ table: "chat", key: { id: rows[0].id }, what: "altered" }]);
    const altered = await fleet.admin.query("SELECT FROM tenant_acme.chat WHERE title = 'altered'");
    expect(altered.rows).toEqual([]);
    expect(await gauge('replica_differences_total{client="acme"}')).toEqual(["1", "1"]);
    const [deep] = await gauge('replica_deep_verified_timestamp_seconds{client="acme"}');
    expect(Date.now() / 1000 - Number(deep)).toBeLessThan(600);
    expect(JSON.stringify([node.log, other.log])).not.toContain(rows[0].id);
  });
});

describe("progress", () => {
  test("is seen while a sync runs, and stays as history", async () => {
    using source = fleet.source("acme");
    source.exec("UPDATE chat SET title = 'renamed'");
    const blocker = await fleet.database.connect("postgres");
    await blocker.query("BEGIN; LOCK TABLE tenant_acme.chat IN ACCESS EXCLUSIVE MODE");
    const job = ended(() => node.trigger("acme"));
    const running = await until("the running sync tells what is to come", async () => {
      const { running } = await status();
      return running?.progress?.tables.find(({ table }) => table === "chat");
    });
    expect(running).toMatchObject({ rows: 0, rows_total: 10 });
    await blocker.query("ROLLBACK");
    expect(await job).toMatchObject({ status: "success", error: null });
    const { last, running: none } = await status();
    expect(none).toBeNull();
    const done = last.progress?.tables.find(({ table }) => table === "chat");
    expect(done).toMatchObject({ rows: 10, rows_total: 10 });
    expect(done?.bytes).toBeGreaterThan(0);
  });
});

test("the gauges of replicas are right on both nodes, and after a restart", async () => {
  await fleet.endNodes();
  node = await fleet.startNode("a");
  other = await fleet.startNode("b");
  expect(await gauge('replica_rows{client="acme",table="chat"}')).toEqual(["10", "10"]);
  const { rows } = await fleet.admin.query(
    "SELECT name, format('%I', name) AS quoted, odd_rows FROM sync_metadata.replica_tables WHERE tenant = 'acme' AND odd_rows > 0 LIMIT 1",
  );
  const [{ name, quoted, odd_rows: odd }] = rows;
  const counted = await fleet.admin.query(`SELECT count(_replica_odd) FROM tenant_acme.${quoted}`);
  expect(counted.rows).toEqual([{ count: odd }]);
  const line = `replica_unrepresentable_rows{client="acme",table="${name.replaceAll('"', '\\"')}"}`;
  expect(await gauge(line)).toEqual([odd, odd]);
  const [verified] = await gauge('replica_verified_timestamp_seconds{client="acme"}');
  expect(Number(verified)).toBeGreaterThan(1_700_000_000);
});
