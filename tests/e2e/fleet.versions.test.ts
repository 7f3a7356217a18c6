/** Tenants of every release of Open WebUI that is known to run here. */
import { onOneFleet } from "../support/fleet/one-fleet.ts";
import { versions } from "./scenarios/versions.ts";

onOneFleet("a fleet on the real engine, release by release", versions);
