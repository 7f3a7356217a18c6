import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConflictsInvocation, conflictsSaid } from "../../../fleet/commands/conflicts.ts";
import type { FleetOutputs } from "../../../toolchain/commands/fleet-outputs.ts";
import { RefusedError, type Resolution } from "../../../toolchain/commands/node-api.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "../../sync-runtime/node/fleet.ts";

let fleet: TestFleet;
let node: NodeProcess;

beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
  {
    using source = fleet.source("acme");
    source.exec(`INSERT INTO config (key, value, updated_at) VALUES ('ui.banner', '"Welcome"', 1795291200)`);
    source.exec(
      "INSERT INTO user (id, name, email, role, profile_image_url, created_at, updated_at, last_active_at) VALUES ('u1', 'Ada', 'ada@acme.example', 'user', '', 1, 1, 1)",
    );
  }
  node = await fleet.startNode("a");
  expect(await fleet.nextJob("acme")).toMatchObject({ status: "success" });
});
afterAll(() => fleet[Symbol.asyncDispose]());

const said = (options: Partial<ConflictsInvocation>, id?: string, resolution?: Resolution) =>
  conflictsSaid(node.outputs as FleetOutputs, { stack: "local", ...options }, id, resolution);
const text = async (...asked: Parameters<typeof said>) => (await said(...asked))?.text;

test("a conflict is listed, shown, decided once, and gone from what waits", async () => {
  expect(await text({})).toBe("No conflict waits for a decision.");
  await fleet.admin.query("UPDATE tenant_acme.config SET updated_at = 1795291300 WHERE key = 'ui.banner'");
  await fleet.admin.query(`UPDATE tenant_acme."user" SET role = 'admin' WHERE id = 'u1'`);
  expect(await fleet.sync("acme")).toMatchObject({ error: null });

  const waiting = (await said({ client: "acme" }))?.value as { conflicts: { id: string }[] };
  const id = waiting.conflicts[0]?.id as string;
  expect(await text({})).toMatch(/ acme +config key=ui\.banner +none\/update .* waits for you\n/);
  expect(await text({ all: true })).toMatch(
    / acme +user id=u1 +none\/update .* replica won, by newest_wins\n/,
  );
  expect(await text({}, id)).toContain(
    "updated_at (bigint, changed by remote)\n  base    1795291200\n  source  1795291200\n  remote  1795291300\n",
  );

  expect(await text({}, id, { accept: "remote" })).toMatch(/^Decided\. Job \d+ applies it/);
  expect(await text({}, id)).toContain("remote accepted by ");
  await fleet.sync("acme");
  expect(await text({ client: "acme" })).toBe("No conflict waits for a decision.");
  expect(await text({}, id)).toContain("replica won, by ");
  await expect(said({}, id, { accept: "source" })).rejects.toBeInstanceOf(RefusedError);
  const { rows } = await fleet.admin.query(
    "SELECT updated_at FROM tenant_acme.config WHERE key = 'ui.banner'",
  );
  expect(rows).toEqual([{ updated_at: "1795291300" }]);
});

test("what a node refuses is told field by field", async () => {
  await fleet.admin.query("UPDATE tenant_acme.config SET updated_at = 1795291400 WHERE key = 'ui.banner'");
  await fleet.sync("acme");
  const waiting = (await said({}))?.value as { conflicts: { id: string }[] };
  const row = { nose: 1, updated_at: "soon" };
  await expect(said({}, waiting.conflicts[0]?.id, { row })).rejects.toThrow(
    "The row cannot be taken, see errors. Columns that can be edited: key, updated_at. #/row/nose: The table has no such column.",
  );
});
