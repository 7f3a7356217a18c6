/**
 * The fleet of the end-to-end suite, with what is done to it that takes long. Scenarios are as in fleet.e2e.test.ts: one
 * fleet, each leaves it as the next expects it, OWUI_E2E_KEEP and `-t` work alike.
 */
import { afterAll, afterEach, beforeAll, describe, vi } from "vitest";
import { failureReport } from "../support/fleet/failure-report.ts";
import { Fleet } from "../support/fleet/fleet.ts";
import { birth } from "./scenarios/birth.ts";
import { interruption } from "./scenarios/interruption.ts";
import { losses } from "./scenarios/losses.ts";
import { restoring } from "./scenarios/restoring.ts";
import { upgrading } from "./scenarios/upgrading.ts";

vi.setConfig({ testTimeout: 15 * 60_000, hookTimeout: 15 * 60_000 });

describe.skipIf(process.getuid?.() !== 0)("a fleet on the real engine, and its faults", () => {
  const fleet = new Fleet();

  beforeAll(() => fleet.prepare());
  afterAll(() => fleet.finish());
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") console.log(await failureReport(fleet));
  });

  birth(fleet);
  upgrading(fleet);
  losses(fleet);
  interruption(fleet);
  restoring(fleet);
});
