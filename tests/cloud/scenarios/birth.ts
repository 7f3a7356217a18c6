import { describe, expect, it } from "vitest";
import type { Staging } from "../../support/cloud/staging.ts";
import { patience } from "../../support/cloud/staging.ts";

/** From nothing to a fleet; two tenants begin with an older Open WebUI, one of which a later scenario takes to the next. */
export const birth = (staging: Staging) =>
  describe("from nothing", () => {
    it(
      "`up` ends with every tenant healthy and every replica equal",
      async () => {
        await staging.edit(({ tenants }) => {
          for (const older of [tenants.globex, tenants.initech])
            Object.assign(older ?? {}, { version: "v0.9.6" });
        });
        expect(await staging.up()).toContain("healthy, replicas equal");
        const { tenants, nodes } = await staging.well(0);
        expect(tenants.map(({ id }) => id)).toEqual(["acme", "globex", "initech"]);
        expect(nodes.filter(({ leader }) => leader)).toHaveLength(1);
        expect(await staging.machines()).toHaveLength(3);
      },
      patience,
    );

    it("a second preview is empty", () => staging.nothingIsDue(), patience);
  });
