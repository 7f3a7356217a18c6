import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;
let one: NodeProcess;
let other: NodeProcess;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme", "globex"]);
  one = await fleet.startNode("a");
  other = await fleet.startNode("b");
  for (const tenant of ["acme", "globex"])
    expect(await fleet.nextJob(tenant)).toMatchObject({ status: "success" });
});
afterAll(() => fleet[Symbol.asyncDispose]());

const put = async (node: NodeProcess, client: string, status: string) => {
  const answer = await node.ask("PUT", "/api/v1/state", await node.token("operate"), { client, status });
  expect(answer).toMatchObject({ status: 200 });
};
const state = async (node: NodeProcess, client: string) => {
  const { tenants } = await node.get<{ tenants: { status: string }[] }>(`/api/v1/state?client=${client}`);
  return tenants[0]?.status;
};
const counter = async (node: NodeProcess, name: string) => {
  const { body } = await node.ask("GET", "/metrics", await node.token("read"));
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(body)?.[1]);
};
const OTHER = { active: "paused", paused: "active" } as Record<string, string>;

test("what is put through one node is told by it at once, again and again, whoever reads meanwhile", async () => {
  for (let round = 0; round < 10; round += 1) {
    const status = OTHER[(await state(one, "acme")) ?? ""] ?? "";
    const readers = Array.from({ length: 5 }, () => state(one, "acme"));
    await put(one, "acme", status);
    expect(await state(one, "acme")).toBe(status);
    await Promise.all(readers);
    expect(await state(one, "acme")).toBe(status);
  }
});

test("what is put through one node is read from the other, which had it in memory, in a moment", async () => {
  await put(one, "acme", "paused").catch(() => {});
  await until("the other says paused", async () => (await state(other, "acme")) === "paused");
  // What was read before its beat told of the change is not kept.
  await until("the other reads it from its memory", async () => {
    const hits = await counter(other, "state_cache_hits_total");
    await state(other, "acme");
    return (await counter(other, "state_cache_hits_total")) === hits + 1;
  });
  await put(one, "acme", "active");
  await until("the other says active", async () => (await state(other, "acme")) === "active", 10);
  expect(await counter(other, "state_sync_lag_seconds")).toBeLessThan(60);
});

test("what agents report is laid beside what is declared", async () => {
  const { tenants, undeclared } = await one.get<{ tenants: unknown[]; undeclared: unknown[] }>(
    "/api/v1/deployments",
  );
  expect(tenants).toMatchObject([
    {
      declared: { client: "acme", host: "local" },
      reported: { database: { exists: true } },
      differences: [],
    },
    { declared: { client: "globex" }, differences: [] },
  ]);
  expect(undeclared).toEqual([]);
  expect(await one.get("/api/v1/hosts")).toMatchObject({
    hosts: [{ host: "local", status: "active", tenants: 2 }],
  });
});

test("what was put through a node stays when that node is killed", async () => {
  await state(other, "globex");
  await put(one, "globex", "paused");
  await one.stop("SIGKILL");
  await until("the other says paused", async () => (await state(other, "globex")) === "paused", 10);
});
