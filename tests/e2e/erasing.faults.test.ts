/** The fleet of the end-to-end suite, and tenants that leave it for good; it takes long. */
import { vi } from "vitest";
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { birth } from "./scenarios/birth.ts";
import { erasingBackups } from "./scenarios/erasing-backups.ts";
import { erasingSftp } from "./scenarios/erasing-sftp.ts";
import { erasureFaults } from "./scenarios/erasure-faults.ts";

vi.setConfig({ testTimeout: 15 * 60_000, hookTimeout: 15 * 60_000 });

onOneFleet(
  "a fleet on the real engine, and tenants that leave it",
  birth,
  erasureFaults,
  erasingBackups,
  erasingSftp,
);
