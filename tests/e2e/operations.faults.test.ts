/** Long operations on tenants, with everything that may come between them. */
import { vi } from "vitest";
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { birth } from "./scenarios/birth.ts";
import { confirmationFaults, promotionFaults } from "./scenarios/promotion-faults.ts";
import { restoreFaults } from "./scenarios/restore-faults.ts";
import { smallDisk } from "./scenarios/small-disk.ts";
import { upgradeFaults } from "./scenarios/upgrade-faults.ts";

vi.setConfig({ testTimeout: 45 * 60_000, hookTimeout: 15 * 60_000 });

onOneFleet(
  "long operations on the real engine, and their faults",
  smallDisk,
  birth,
  upgradeFaults,
  restoreFaults,
  promotionFaults,
  confirmationFaults,
);
