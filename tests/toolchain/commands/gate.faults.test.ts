import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StillFleet } from "../../support/fleet/still-fleet.ts";

const patience = 10 * 60_000;

let fleet: StillFleet;
beforeAll(async () => {
  fleet = await StillFleet.start("gated");
});
afterAll(() => fleet?.remove());

test("up refuses what a preview stops at, and changes nothing of the rest either", {
  timeout: patience,
}, async () => {
  await fleet.done("up");
  const untouched = await fleet.previewed();
  // A port that changes is harmless; the other database would be an empty one.
  fleet.declare(
    { monitoring: { prometheus: { port: 28_891 }, alertmanager: { port: 28_893 } } },
    "elsewhere",
  );
  const said = await fleet.refused("up");
  expect(said).toMatch(/✗ STOP: replicas: .*EMPTY/);
  expect(said).toContain("Nothing was changed.");
  fleet.declare({});
  expect(await fleet.previewed()).toEqual(untouched);
});

test("what a killed run noted of the fleet is gone after the next one", { timeout: patience }, async () => {
  const left = join(fleet.home, "stacks/gated/up-4194305.events");
  const own = join(fleet.home, `stacks/gated/up-${process.pid}.events`);
  for (const file of [left, own]) writeFileSync(file, "{}\n");
  await fleet.previewed();
  expect([existsSync(left), existsSync(own)]).toEqual([false, true]);
});
