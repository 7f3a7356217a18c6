import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { Pooler, type PoolMode } from "../../support/pgbouncer/pooler.ts";
import { type RunningPostgres, startServer } from "../../support/postgres-server.ts";
import { TestFleet } from "./fleet.ts";

let postgres: RunningPostgres;
beforeAll(async () => {
  postgres = await startServer({
    name: "owui-test-pooled",
    arguments: ["--tmpfs", "/var/lib/postgresql/data"],
    settings: ["fsync=off"],
  });
});
afterAll(() => postgres?.stop());

const leads = (node: NodeProcess) =>
  until(`node ${node.id} leads`, async () => JSON.parse((await node.ask("GET", "/health")).body).is_leader);

describe.each<[PoolMode]>([["session"], ["transaction"]])("behind pgbouncer in %s mode", (mode) => {
  let fleet: TestFleet;
  let pooler: Pooler;
  beforeAll(async () => {
    fleet = await TestFleet.start(["acme"], 20, postgres.server);
    pooler = await Pooler.start(postgres, mode, fleet.database.credentials("sync_main"));
  });
  afterEach(() => fleet.endNodes());
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await pooler?.[Symbol.asyncDispose]();
  });

  const start = (id: string) => fleet.startNode(id, { postgres: pooler.address });

  test("a replica is made, kept up to date and verified row by row", async () => {
    const node = await start("a");
    expect(await fleet.sync("acme", node)).toMatchObject({ error: null });
    using source = fleet.source("acme");
    source.exec("UPDATE chat SET title = 'changed'");
    expect(await fleet.sync("acme", node)).toMatchObject({ error: null });
    const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
    expect(await node.order("verify", "acme")).toBe(202);
    expect(await fleet.nextJob("acme", rows[0].now)).toMatchObject({ status: "success", error: null });
  });

  test("a leader that is killed is followed, and one that ends hands over", async () => {
    const first = await start("a");
    await leads(first);
    const second = await start("b");
    await first.stop("SIGKILL");
    await leads(second);
    await first.run();
    await second.stop();
    await leads(first);
    expect(await fleet.sync("acme", first)).toMatchObject({ error: null });
  });

  test("nodes go on by themselves when the pooler is restarted", async () => {
    const [first, second] = [await start("a"), await start("b")];
    await fleet.sync("acme", first);
    await pooler.restart();
    const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
    await until("both nodes are heard of again", async () => {
      const seen = await fleet.admin.query("SELECT FROM sync_metadata.nodes WHERE seen_at > $1", [
        rows[0].now,
      ]);
      return seen.rows.length === 2;
    });
    expect(await fleet.sync("acme", second)).toMatchObject({ error: null });
  });

  test("a node that stopped in its sync is taken over, its connection ended, and its work void", async () => {
    const first = await start("a");
    await fleet.sync("acme", first);
    using source = fleet.source("acme");
    source.exec("UPDATE chat SET title = 'changed again'");
    await fleet.admin.query("BEGIN");
    await fleet.admin.query("SELECT FROM sync_metadata.replicas WHERE tenant = 'acme' FOR UPDATE");
    const observer = await fleet.database.connect("postgres");
    await first.trigger("acme");
    const waiting = async () =>
      (
        await observer.query(
          "SELECT pid FROM pg_stat_activity WHERE starts_with(application_name, 'sync:acme:') AND wait_event_type = 'Lock'",
        )
      ).rows[0]?.pid;
    const pid = await until("node a waits in its sync", waiting);
    first.signal("SIGSTOP");
    await start("b");
    await until("its connection was ended", async () => {
      const { rows } = await observer.query("SELECT FROM pg_stat_activity WHERE pid = $1", [pid]);
      return rows.length === 0;
    });
    await fleet.admin.query("COMMIT");
    await until("node b has done it", async () => {
      const { rows } = await observer.query(
        "SELECT node, status FROM sync_metadata.sync_jobs ORDER BY id DESC LIMIT 1",
      );
      return rows[0].node === "b" && rows[0].status === "success";
    });
    first.signal("SIGCONT");
    await until("node a sees that its sync is void", () =>
      first.log.find(({ msg }) => msg === "a write was refused because the claim had ended"),
    );
  });
});
