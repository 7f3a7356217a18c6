/** The fleet of the end-to-end suite with backups in a bucket, and tenants that leave it; it takes long. */
import { vi } from "vitest";
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { birth } from "./scenarios/birth.ts";
import { erasingBackups } from "./scenarios/erasing-backups.ts";

vi.setConfig({ testTimeout: 15 * 60_000, hookTimeout: 15 * 60_000 });

onOneFleet("a fleet on the real engine with its backups in a bucket", birth, erasingBackups);
