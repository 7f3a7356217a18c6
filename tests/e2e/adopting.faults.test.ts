/** The fleet of the end-to-end suite, and what can happen to an adoption; it takes long. */
import { vi } from "vitest";
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { abortedAdoptions, failingVersions, killedAdoption } from "./scenarios/adopting-faults.ts";
import { composedSource, fullDisk, leftDatabase } from "./scenarios/adopting-sources.ts";
import { birth } from "./scenarios/birth.ts";

vi.setConfig({ testTimeout: 20 * 60_000, hookTimeout: 20 * 60_000 });

onOneFleet(
  "a fleet on the real engine, and adoptions that do not go as they should",
  birth,
  killedAdoption,
  abortedAdoptions,
  failingVersions,
  composedSource,
  leftDatabase,
  fullDisk,
);
