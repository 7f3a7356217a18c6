import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";
import { TcpDoor } from "./tcp-door.ts";

let fleet: TestFleet;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
});
afterEach(() => fleet.endNodes());
afterAll(() => fleet[Symbol.asyncDispose]());

interface Health {
  is_leader: boolean;
  leader_id: string | null;
  epoch: number | null;
}
const healthOf = async (node: NodeProcess): Promise<Health> =>
  JSON.parse((await node.ask("GET", "/health")).body);
const leads = (node: NodeProcess) =>
  until(`node ${node.id} leads`, async () => (await healthOf(node)).is_leader);

/** Both nodes, the first of which leads. */
async function startPair(): Promise<[NodeProcess, NodeProcess]> {
  const first = await fleet.startNode("a");
  await leads(first);
  return [first, await fleet.startNode("b")];
}

describe("a leader that ends", () => {
  test("by kill -9 is followed by the other node, which goes on with the jobs", async () => {
    const [first, second] = await startPair();
    const { epoch } = await healthOf(first);
    await first.stop("SIGKILL");
    await leads(second);
    expect(await healthOf(second)).toMatchObject({ leader_id: "b", epoch: Number(epoch) + 1 });
    expect(await fleet.sync("acme", second)).toMatchObject({ node: "b", error: null });
  });

  test("by SIGTERM hands over, so that the other leads long before a lease expires", async () => {
    const [first, second] = await startPair();
    expect(await first.stop("SIGTERM")).toBe(0);
    const { rows } = await fleet.admin.query(
      "SELECT expires_at <= clock_timestamp() AS released FROM sync_metadata.leader_election WHERE node = 'a'",
    );
    // Either it is still free, or the other has it already.
    expect(rows.every(({ released }) => released)).toBe(true);
    await leads(second);
  });

  test("and starts again follows, under a run of its own", async () => {
    const [first, second] = await startPair();
    await first.stop("SIGKILL");
    await leads(second);
    await first.run();
    const { nodes } = await until("both nodes are seen", async () => {
      const cluster = await second.get<{ nodes: { id: string; leader: boolean; epoch: number | null }[] }>(
        "/api/v1/cluster",
      );
      return cluster.nodes.length === 2 && cluster;
    });
    expect(nodes).toMatchObject([
      { id: "a", leader: false, epoch: null },
      { id: "b", leader: true, epoch: (await healthOf(second)).epoch },
    ]);
  });
});

test("a node stopped just before its commit is taken over, and what it wrote is void", async () => {
  const first = await fleet.startNode("a");
  await fleet.sync("acme");
  using source = fleet.source("acme");
  source.exec("UPDATE chat SET title = 'changed'");
  // Keeps the sync waiting behind its lock of the claim.
  await fleet.admin.query("BEGIN");
  await fleet.admin.query("SELECT FROM sync_metadata.replicas WHERE tenant = 'acme' FOR UPDATE");
  const observer = await fleet.database.connect("postgres");
  await first.trigger("acme");
  await until("node a waits with the claim locked", async () => {
    const { rows } = await observer.query(
      "SELECT FROM pg_stat_activity WHERE starts_with(application_name, 'sync:acme:') AND wait_event_type = 'Lock'",
    );
    return rows.length === 1;
  });
  const running = async () =>
    (await observer.query("SELECT id, node FROM sync_metadata.sync_jobs WHERE status = 'running'")).rows[0];
  const begun = await running();
  first.signal("SIGSTOP");
  await fleet.startNode("b");
  const taken = await until("node b has the job", async () => {
    const job = await running();
    return job?.node === "b" && job;
  });
  expect(taken.id).toBe(begun.id);
  await fleet.admin.query("COMMIT");
  await until("node b has done it", async () => {
    const { rows } = await observer.query("SELECT node, status FROM sync_metadata.sync_jobs WHERE id = $1", [
      begun.id,
    ]);
    return rows[0].node === "b" && rows[0].status === "success";
  });
  first.signal("SIGCONT");
  await until("node a sees that its sync is void", () =>
    first.log.find(({ msg }) => msg === "a sync failed"),
  );
  const after = await observer.query("SELECT node, status FROM sync_metadata.sync_jobs WHERE id = $1", [
    begun.id,
  ]);
  expect(after.rows).toEqual([{ node: "b", status: "success" }]);
});

test("nodes live through a Postgres that goes away and comes back, and sync on", async () => {
  await using door = await TcpDoor.to(fleet.database.credentials("sync_main"));
  const node = await fleet.startNode("a", { postgres: door.address });
  await leads(node);
  door.shut();
  await until("it says that it does not lead", async () => !(await healthOf(node)).is_leader);
  door.open();
  await leads(node);
  expect(await fleet.sync("acme", node)).toMatchObject({ error: null });
});
