/**
 * The staging stack in its fake clouds, from nothing to nothing: droplets that boot, certificates, DNS, a database that
 * is somebody else's, driven by the project's own commands. The scenarios share one fleet and run in the order below;
 * each leaves it as the next expects it: whole. Apart from the other suites (`npm run test:cloud`), since three machines and
 * what runs on them want a machine to themselves.
 *
 * OWUI_CLOUD_KEEP=1 leaves the fleet running and takes up the one that an earlier such run left: `-t` then chooses the
 * scenario to work on.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { patience, Staging } from "../support/cloud/staging.ts";
import { backups } from "./scenarios/backups.ts";
import { birth } from "./scenarios/birth.ts";
import { changes, refusals } from "./scenarios/changes.ts";
import { doors } from "./scenarios/doors.ts";
import { end } from "./scenarios/end.ts";
import { growth } from "./scenarios/growth.ts";
import { move } from "./scenarios/move.ts";
import { rebirth } from "./scenarios/rebirth.ts";
import { restart } from "./scenarios/restart.ts";
import { restoration } from "./scenarios/restoration.ts";
import { sites } from "./scenarios/sites.ts";

describe.skipIf(process.getuid?.() !== 0)("the staging stack in its fake clouds", () => {
  const staging = new Staging();

  beforeAll(() => staging.prepare(), patience);
  afterAll(() => staging.finish(), patience);

  birth(staging);
  sites(staging);
  doors(staging);
  refusals(staging);
  changes(staging);
  growth(staging);
  rebirth(staging);
  restart(staging);
  restoration(staging);
  backups(staging, ["globex", "hooli"]);
  move(staging);
  end(staging);
});
