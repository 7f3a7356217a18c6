import { beforeAll, describe, expect, it } from "vitest";
import type { DrillLine } from "../../../fleet/commands/drill.ts";
import { patience, type Staging } from "../../support/cloud/staging.ts";
import { startStorage } from "../../support/cloud/storage.ts";
import { until } from "../../support/fleet/until.ts";
import { s3Key } from "../../support/s3/s3-server.ts";

/**
 * Droplets that back their tenants up by themselves into a bucket, and restore from it for a trial.
 * @param tenants one of each host
 */
export const backups = (staging: Staging, tenants: readonly string[]) =>
  describe("droplets whose tenants are backed up into a bucket", () => {
    const lastGood = async (): Promise<Record<string, string | null>> => {
      const { stdout } = await staging.driver.operate("backup", ["show", "--json"]);
      const known = JSON.parse(stdout) as {
        tenants: { id: string; backup: { lastGood: string | null } | null }[];
      };
      return Object.fromEntries(known.tenants.map(({ id, backup }) => [id, backup?.lastGood ?? null]));
    };

    beforeAll(async () => {
      const repository = await startStorage(staging);
      await staging.edit((config) => {
        config.backups = { repository };
      });
      const set = ["config", "set", "--secret", "--path", "backups.repository.key"];
      await staging.driver.pulumi(set, { input: s3Key.secret });
      await staging.up();
    }, patience);

    it(
      "back them up by themselves",
      () => until("each has a backup", async () => Object.values(await lastGood()).every(Boolean), 300),
      patience,
    );

    it.each(tenants)("hold a backup of %s that is whole", async (tenant) => {
      const { stdout } = await staging.driver.operate("backup", ["list", tenant, "--json"]);
      expect(JSON.parse(stdout)[tenant]).toContainEqual({
        id: expect.stringMatching(/^[0-9a-f]{8}/),
        time: expect.any(String),
        openWebui: "v0.11.3",
        database: "sqlite",
      });
      expect((await staging.driver.operate("backup", ["check", tenant, "--data"])).code).toBe(0);
    });

    it(
      "restore it for a trial, beside what serves",
      async () => {
        const before = await staging.containers("fra1-a", "fra1-b");
        const { stdout } = await staging.driver.operate("drill", [...tenants, "--json"]);
        const { drills } = JSON.parse(stdout) as { drills: DrillLine[] };
        for (const id of tenants)
          expect(drills).toContainEqual({
            tenant: id,
            drill: expect.objectContaining({ ok: true, why: null }),
          });
        expect(await staging.containers("fra1-a", "fra1-b")).toEqual(before);
      },
      patience,
    );

    it("keep no key of the bucket where others read it", async () => {
      const { stdout } = await staging.driver.pulumi(["stack", "export"]);
      expect(stdout).not.toContain(s3Key.secret);
      const shown = await staging.within(
        "fra1-a",
        `docker inspect owui-${staging.stack}-backup; ps axww -o args`,
      );
      expect(shown).not.toContain(s3Key.secret);
    });

    it("are as they were declared: the next preview is empty", () => staging.nothingIsDue(), patience);
  });

/** The ids of a tenant's backups, the latest last. */
export async function backupsOf(staging: Staging, tenant: string): Promise<string[]> {
  const { stdout } = await staging.driver.operate("backup", ["list", tenant, "--json"]);
  return (JSON.parse(stdout) as Record<string, { id: string }[]>)[tenant]?.map(({ id }) => id) ?? [];
}
