import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAULT_VARIABLE } from "../../../sync-runtime/fault-point.ts";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { WriterProcess } from "../../support/writer-process.ts";
import { TestFleet } from "./fleet.ts";

const AGENT = "urn:owui:agent:local";

let fleet: TestFleet;
let writer: WriterProcess;
let node: NodeProcess;
/** The tenant's database, as its application has it open all the time. */
let application: DatabaseSync;
let chat = "";
let edits = 0;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
  writer = await WriterProcess.start(["acme"], {}, fleet.agent);
  await fleet.declare(AGENT, writer.port);
  node = await fleet.startNode("a");
  await fleet.sync("acme");
  application = fleet.source("acme");
  chat = String(application.prepare("SELECT min(id) AS id FROM chat").get()?.id);
});
afterAll(async () => {
  application?.close();
  await writer?.[Symbol.asyncDispose]();
  await fleet?.[Symbol.asyncDispose]();
});

const ask = async (sql: string, values: unknown[] = []) => (await fleet.admin.query(sql, values)).rows;
const title = () => application.prepare("SELECT title FROM chat WHERE id = ?").get(chat)?.title;
const status = async () =>
  (await node.get<{ tenants: { write_refused: unknown; replica: object }[] }>("/api/v1/sync/status"))
    .tenants[0];
const last = async () =>
  (
    await ask(
      `SELECT winner, written_by, converged_at IS NOT NULL AS converged, refused_code, why
       FROM sync_metadata.conflict_log ORDER BY id DESC LIMIT 1`,
    )
  )[0];
/** Writes another title into the replica, as somebody who is no node. */
async function edit(): Promise<string> {
  const text = `edited ${++edits}`;
  await ask("UPDATE tenant_acme.chat SET title = $1 WHERE id = $2", [text, chat]);
  return text;
}
/** Until source and replica are the same once more. */
const converged = () =>
  until("a replica that does not differ", async () => {
    const [row] = await ask(
      "SELECT equal AND decided = 0 AND writing_epoch IS NULL AS done FROM sync_metadata.replicas",
    );
    return row?.done;
  });

describe("an edit of a replica", () => {
  beforeEach(async () => {
    await fleet.sync("acme");
    await converged();
  });

  test("is in the tenant's own database behind the next sync, while its application goes on writing", async () => {
    const text = await edit();
    application.exec("UPDATE user SET last_active_at = last_active_at + 1");
    await fleet.sync("acme");
    await until("the title in the database", async () => title() === text);
    await converged();
    expect(await last()).toMatchObject({ winner: "remote", written_by: "local", converged: true });
    expect(await status()).toMatchObject({ write_refused: null, replica: { equal: true, decided: 0 } });
    const metrics = (await node.ask("GET", "/metrics", await node.token("read"))).body;
    expect(metrics).toContain('sync_rows_written_total{client="acme"} 1');
    expect(metrics).toContain('replica_write_refused{client="acme"} 0');
  });

  test.each(["node:write-begun", "node:rows-written"])(
    "is written once, whole, although its node is killed at %s",
    async (point) => {
      await node.stop("SIGKILL");
      await node.run({ [FAULT_VARIABLE]: point });
      const text = await edit();
      await node.trigger("acme");
      await until("the node is dead", () => !existsSync(`/proc/${node.pid}/fd`));
      expect(title() === text).toBe(point === "node:rows-written");
      const logged = await ask("SELECT count(*)::int AS n FROM sync_metadata.conflict_log");
      await node.run();
      await node.trigger("acme");
      await until("the title in the database", async () => title() === text);
      await converged();
      expect(await ask("SELECT count(*)::int AS n FROM sync_metadata.conflict_log")).toEqual(logged);
      expect(await last()).toMatchObject({ winner: "remote", converged: true });
    },
  );

  test("waits for a writer that is away, says so, and is written when it is back", async () => {
    await writer.stop("SIGKILL");
    const text = await edit();
    await fleet.sync("acme");
    await until("the refusal is told", async () => (await status())?.write_refused);
    expect((await status())?.write_refused).toMatchObject({ code: "writer-unreachable" });
    expect(await status()).toMatchObject({ replica: { equal: true, decided: 1 } });
    await writer.run();
    await fleet.declare(AGENT, writer.port);
    await fleet.sync("acme");
    await until("the title in the database", async () => title() === text);
    await converged();
    expect(await status()).toMatchObject({ write_refused: null });
  });

  test("that its constraints forbid waits for an operator, and the database is as it was", async () => {
    await ask(`INSERT INTO tenant_acme.chat (id, title) VALUES ('nobody', 'without what it has to have')`);
    await fleet.sync("acme");
    await until("a conflict that waits", async () => (await last())?.winner === "pending");
    expect(await last()).toMatchObject({
      refused_code: "constraint",
      why: expect.stringContaining("NOT NULL"),
    });
    expect(application.prepare("SELECT count(*) AS n FROM chat WHERE id = 'nobody'").get()).toEqual({ n: 0 });
    await converged();
  });

  test("meets what the application did to the same row meanwhile", async () => {
    const locked = fleet.source("acme");
    const text = await edit();
    // The sync sees the row as it is verified; before the writer has its lock the application changed it.
    locked.exec("BEGIN IMMEDIATE");
    locked.prepare("UPDATE chat SET title = 'by its user', updated_at = 9999999999 WHERE id = ?").run(chat);
    await fleet.sync("acme");
    locked.exec("COMMIT");
    locked.close();
    await until("the refusal is told", async () => (await status())?.write_refused);
    expect((await status())?.write_refused).toMatchObject({ code: "source-changed" });
    await fleet.sync("acme");
    await converged();
    expect(title()).toBe("by its user");
    expect(text).not.toBe("by its user");
    expect(await last()).toMatchObject({ winner: "source" });
  });
});
