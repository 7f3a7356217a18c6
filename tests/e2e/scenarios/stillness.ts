import { describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** What happens when nothing was asked for: nothing. */
export const stillness = (fleet: Fleet) =>
  describe("a fleet that nobody changed", () => {
    it("shows no changes in a preview", async () => {
      const { stdout } = await fleet.driver.preview();
      expect(stdout).toMatch(/\d+ unchanged/);
      expect(stdout).not.toMatch(/to (create|update|delete|replace)/);
    });

    it("shows no drift in a refresh", async () => {
      const refreshed = await fleet.driver.pulumi([
        "refresh",
        "--yes",
        "--skip-preview",
        "--expect-no-changes",
      ]);
      expect(refreshed.stdout).toMatch(/\d+ unchanged/);
    });

    it("restarts nothing in another up, which says that nothing changed", async () => {
      const before = await fleet.snapshot();
      expect(await fleet.up()).toMatch(/nothing changed/i);
      expect(await fleet.snapshot()).toEqual(before);
    });
  });
