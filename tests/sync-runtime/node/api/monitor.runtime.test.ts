import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestAuthority } from "../../../support/certificates.ts";
import type { NodeProcess } from "../../../support/node-process.ts";
import { TestFleet } from "../fleet.ts";

let fleet: TestFleet;
let node: NodeProcess;
let authority: TestAuthority;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"], 1);
  node = await fleet.startNode("a");
  authority = fleet.agent.authority;
});
afterAll(() => fleet[Symbol.asyncDispose]());

/** The status of a request without a token, by a client's certificate. */
const asked = async (path: string, uri: string | undefined, signer = authority, method = "GET") =>
  (await node.ask(method, path, undefined, undefined, await signer.client(uri))).status;

describe("what watches the cluster", () => {
  test("gets a node's metrics by its certificate, without a token", async () => {
    const client = await authority.client("urn:owui:monitor:main");
    const { status, body } = await node.ask("GET", "/metrics", undefined, undefined, client);
    expect(status).toBe(200);
    expect(body).toContain("sync_container_is_leader");
  });

  test("has its own certificate's end told with those of the others, by which an alert comes before it", async () => {
    const client = await authority.client("urn:owui:monitor:main");
    await node.ask("GET", "/metrics", undefined, undefined, client);
    const { body } = await node.ask("GET", "/metrics", undefined, undefined, client);
    expect(body).toMatch(/^certificate_expires_timestamp_seconds\{certificate="urn:owui:monitor:main"\} \d/m);
    const cluster = await node.ask("GET", "/api/v1/cluster", await node.token("read"));
    expect(cluster.body).toContain('"name":"urn:owui:monitor:main"');
  });

  test.each(["/api/v1/cluster", "/api/v1/sync/status", "/api/v1/sync/history"])(
    "needs a token for everything else: %s",
    async (path) => {
      expect(await asked(path, "urn:owui:monitor:main")).toBe(401);
    },
  );

  test("changes nothing", async () => {
    const path = "/api/v1/sync/trigger/acme";
    expect(await asked(path, "urn:owui:monitor:main", authority, "POST")).toBe(401);
  });
});

describe("metrics stay closed to", () => {
  test.each([
    ["another cluster's monitoring", "urn:owui:monitor:other"],
    ["a name that only begins so", "urn:owui:monitor:main:a"],
    ["a node", "urn:owui:node:main:b"],
    ["a client without a URI", undefined],
  ])("%s", async (_, uri) => {
    expect(await asked("/metrics", uri)).toBe(401);
  });

  test("another authority's certificate of the right name", async () => {
    const stranger = await TestAuthority.create();
    expect(await asked("/metrics", "urn:owui:monitor:main", stranger)).toBe(401);
  });

  test("whoever shows nothing", async () => {
    expect((await node.ask("GET", "/metrics")).status).toBe(401);
  });
});
