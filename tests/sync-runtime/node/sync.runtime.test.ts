import { afterAll, beforeAll, expect, test } from "vitest";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
  await fleet.startNode("a");
});
afterAll(() => fleet[Symbol.asyncDispose]());

test("a tenant's first sync comes by itself and leaves an equal replica", async () => {
  const job = await fleet.nextJob("acme");
  expect(job).toMatchObject({ status: "success", error: null });
    await fleet.nodes[0]?.get("/api/v1/sync/status"),
    await fleet.nodes[0]?.ask("GET", "/health"),
    await fleet.nodes[0]?.get("/api/v1/cluster"),
  );
});
