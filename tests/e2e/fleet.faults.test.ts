/** The fleet of the end-to-end suite, with what is done to it that takes long. */
import { vi } from "vitest";
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { birth } from "./scenarios/birth.ts";
import { interruption } from "./scenarios/interruption.ts";
import { losses } from "./scenarios/losses.ts";
import { failedPromotion } from "./scenarios/promotion.ts";
import { restoringPostgres } from "./scenarios/restoring-postgres.ts";

vi.setConfig({ testTimeout: 15 * 60_000, hookTimeout: 15 * 60_000 });

onOneFleet(
  "a fleet on the real engine, and its faults",
  birth,
  losses,
  interruption,
  failedPromotion,
  restoringPostgres,
);
