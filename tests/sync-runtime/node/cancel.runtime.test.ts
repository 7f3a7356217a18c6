import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { intentOf } from "../../support/postgres.ts";
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

const ask = async (method: string, path: string, json?: unknown) => {
  const { status, body } = await node.ask(method, path, await node.token("operate"), json);
  return { status, body: JSON.parse(body) };
};
const syncWaits = () =>
  until("the sync waits for the lock", async () => {
    const { rows } = await fleet.admin.query(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sync:acme:%' AND wait_event_type = 'Lock'",
    );
    return rows[0];
  });
const titles = async () => {
  const counted = "SELECT count(*)::integer AS n FROM tenant_acme.chat WHERE title = 'renamed'";
  return (await fleet.admin.query(counted)).rows[0].n;
};

test("a sync that waits for a lock is broken off, whichever node works on it; the next one brings everything", async () => {
  using source = fleet.source("acme");
  source.exec("UPDATE chat SET title = 'renamed'");
  const blocker = await fleet.database.connect("postgres");
  await blocker.query("BEGIN; LOCK TABLE tenant_acme.chat IN ACCESS EXCLUSIVE MODE");
  const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
  await other.trigger("acme");
  await syncWaits();
  const answer = await ask("POST", "/api/v1/sync/cancel/acme");
  expect(answer).toMatchObject({ status: 202, body: { jobs: [{ status: "running" }] } });
  expect(await fleet.nextJob("acme", rows[0].now)).toMatchObject({
    status: "cancelled",
    error: "test cancelled it. The replica keeps what it has.",
  });
  await blocker.query("ROLLBACK");
  expect(await titles()).toBe(0);
  expect(await ask("POST", "/api/v1/sync/cancel/acme")).toEqual({ status: 202, body: { jobs: [] } });
  const { rows: jobs } = await fleet.admin.query(
    "SELECT id FROM sync_metadata.sync_jobs WHERE status IN ('queued', 'running')",
  );
  expect(jobs).toEqual([]);
  expect(await fleet.sync("acme")).toMatchObject({ status: "success", error: null });
  expect(await titles()).toBeGreaterThanOrEqual(60);
});

test("a tenant whose entry is removed while it is synced has that sync broken off, and is synced again when it is back", async () => {
  using source = fleet.source("acme");
  source.exec("UPDATE chat SET title = 'renamed again'");
  const blocker = await fleet.database.connect("postgres");
  await blocker.query("BEGIN; LOCK TABLE tenant_acme.chat IN ACCESS EXCLUSIVE MODE");
  const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
  await node.trigger("acme");
  await syncWaits();
  await fleet.database.apply(intentOf([]));
  const ended = await fleet.nextJob("acme", rows[0].now);
  expect(ended).toMatchObject({ status: "cancelled", error: expect.stringMatching(/^up cancelled it/) });
  await blocker.query("ROLLBACK");
  expect(await ask("GET", "/api/v1/state?client=acme")).toMatchObject({
    body: { tenants: [{ status: "retired", by: "up" }] },
  });
  expect(await ask("POST", "/api/v1/sync/resume/acme")).toMatchObject({ status: 409 });
  expect(await ask("POST", "/api/v1/sync/trigger/acme")).toMatchObject({ status: 404 });
  await fleet.declare();
  expect(await fleet.sync("acme")).toMatchObject({ status: "success", error: null });
});

test("a tenant is paused and resumed, and status says by whom", async () => {
  const paused = await ask("POST", "/api/v1/sync/pause/acme", { reason: "they move house" });
  expect(paused).toMatchObject({
    status: 200,
    body: { client: "acme", status: "paused", by: "test", reason: "they move house" },
  });
  const { tenants } = await other.get<{ tenants: unknown[] }>("/api/v1/sync/status");
  expect(tenants).toMatchObject([
    { id: "acme", paused: true, state: { is: "paused", by: "test", reason: "they move house" } },
  ]);
  // An `up` that says nothing new changes nothing.
  await fleet.declare();
  expect(await ask("GET", "/api/v1/state?client=acme")).toMatchObject({
    body: { tenants: [{ client: "acme", status: "paused" }] },
  });
  // Somebody who asks gets a sync all the same.
  expect(await fleet.sync("acme")).toMatchObject({ error: null });
  expect(await ask("POST", "/api/v1/sync/resume/acme")).toMatchObject({ body: { status: "active" } });
});

test("a state is put, or refused with the reason", async () => {
  expect(await ask("PUT", "/api/v1/state", { client: "acme", status: "paused" })).toMatchObject({
    status: 200,
    body: { status: "paused" },
  });
  expect(await ask("PUT", "/api/v1/state", { client: "acme", status: "retired" })).toMatchObject({
    status: 409,
    body: { type: "urn:owui:problem:illegal-move", detail: expect.stringContaining("only the stack does") },
  });
  expect(await ask("PUT", "/api/v1/state", { client: "nobody", status: "paused" })).toMatchObject({
    status: 404,
  });
  expect(await ask("PUT", "/api/v1/state", { client: "acme", status: "asleep" })).toMatchObject({
    status: 400,
  });
  expect(await ask("PUT", "/api/v1/state", { client: "acme", status: "active" })).toMatchObject({
    status: 200,
  });
});
