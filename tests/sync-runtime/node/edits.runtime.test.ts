import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULT_VARIABLE } from "../../../sync-runtime/fault-point.ts";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;
let node: NodeProcess;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
  node = await fleet.startNode("a");
  expect((await fleet.sync("acme")).status).toBe("success");
});
afterAll(() => fleet[Symbol.asyncDispose]());

const ask = async (sql: string) => (await fleet.admin.query(sql)).rows;
const edits = () => ask("SELECT op, conflict FROM tenant_acme._replica_edits");
const titles = async () => (await ask("SELECT title FROM tenant_acme.chat WHERE title = 'edited'")).length;

/** Points between the moment edits are taken off and the commit. */
test.each(["node:begun", "node:claim-locked"])(
  "a node killed at %s leaves an edit as it was, and the next sync decides about it once",
  async (point) => {
    await ask(
      "UPDATE tenant_acme.chat SET title = 'edited' WHERE id = (SELECT min(id) FROM tenant_acme.chat WHERE title <> 'edited')",
    );
    const [edited, before] = [await titles(), await edits()];
    const [logged] = await ask("SELECT count(*)::int AS n FROM sync_metadata.conflict_log");
    await node.stop("SIGKILL");
    await node.run({ [FAULT_VARIABLE]: point });
    const { rows } = await fleet.admin.query("SELECT clock_timestamp()::text AS now");
    await node.trigger("acme");
    await until("the node is dead", () => !existsSync(`/proc/${node.pid}/fd`));
    expect(await titles()).toBe(edited);
    expect(await edits()).toEqual(before);
    expect(await ask("SELECT count(*)::int AS n FROM sync_metadata.conflict_log")).toEqual([logged]);

    await node.run();
    expect(await fleet.nextJob("acme", rows[0].now)).toMatchObject({ error: null });
    expect(await titles()).toBe(edited);
    expect(await ask("SELECT count(*)::int AS n FROM sync_metadata.conflict_log")).toEqual([
      { n: logged.n + 1 },
    ]);
    const { tenants } = await node.get<{ tenants: { replica: unknown }[] }>("/api/v1/sync/status");
    expect(tenants[0]?.replica).toMatchObject({ equal: true, decided: edited });
    const metrics = (await node.ask("GET", "/metrics", await node.token("read"))).body;
    expect(metrics).toContain(`replica_decided_rows{client="acme"} ${edited}`);
    expect(metrics).toContain('conflicts_detected_total{client="acme",table="chat",type="none/update"} 1');
    expect(metrics).toContain('conflicts_resolved_total{client="acme",strategy="merge"} 1');
  },
);
