import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** Before anything is brought up: globex gets a disk of its own, small enough to be filled. It goes with the fleet's workspace. */
export const smallDisk = (fleet: Fleet) =>
  describe("a tenant's directory on a disk of its own", () => {
    const home = join(fleet.root, "tenants/globex");
    beforeAll(async () => {
      if ((await run(["mountpoint", "--quiet", home], { mayFail: true })).code === 0) return;
      mkdirSync(home, { recursive: true });
      await run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=0755", "owui-faults", home]);
    });

    it("is there", async () => {
      expect((await run(["findmnt", "--noheadings", "--output", "FSTYPE", home])).stdout.trim()).toBe(
        "tmpfs",
      );
    });
  });
