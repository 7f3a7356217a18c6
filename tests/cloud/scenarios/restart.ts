import { beforeAll, describe, expect, it } from "vitest";
import { docker } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { patience, type Staging } from "../../support/cloud/staging.ts";

/** Power that goes and comes back, with nobody there. */
export const restart = (staging: Staging) =>
  describe("a droplet that is restarted", () => {
    beforeAll(async () => {
      const since = Date.now();
      await docker(["restart", "--time", "60", await staging.machine("fra1-a")]);
      await staging.well(since);
    }, patience);

    it("brings its tenants back by itself, with their data", async () => {
      const { tenants } = await staging.driver.status();
      expect(tenants.every(({ replica }) => replica.rows > 0)).toBe(true);
    });

    it("has its firewall and its tenants' rules again", async () => {
      expect(await staging.within("fra1-a", "nft list table inet fleet")).toContain("tcp dport 22 accept");
      expect(await staging.within("fra1-a", "iptables -S DOCKER-USER")).toContain("OWUI-FORWARD");
    });

    it("is as it was declared: the next preview is empty", () => staging.nothingIsDue(), patience);
  });
