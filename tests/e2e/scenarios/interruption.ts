import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import { until } from "../../support/fleet/until.ts";

/** A power cut, as far as Pulumi can tell. */
export const interruption = (fleet: Fleet) =>
  describe("an up that was killed in the middle", () => {
    const container = fleet.name("tenant-initech");

    /** The process that holds the stack's lock. */
    const engineProcess = async (): Promise<number> => {
      const locks = join(
        fleet.home,
        "state/.pulumi/locks/organization/open-webui-infrastructure",
        fleet.stack,
      );
      const [lock = ""] = await readdir(locks);
      return (JSON.parse(await readFile(join(locks, lock), "utf8")) as { pid: number }).pid;
    };

    beforeAll(async () => {
      await fleet.file.setTenant("initech", entryOf("initech"));
      const up = fleet.driver.up({ mayFail: true });
      // It is there, but not healthy: the engine waits for that and has not recorded it.
      await until("the tenant's container", async () =>
        (await fleet.engine.containers()).includes(container),
      );
      process.kill(await engineProcess(), "SIGKILL");
      expect((await up).code).not.toBe(0);
    });
    afterAll(async () => {
      await fleet.file.removeTenant("initech");
      await fleet.up();
    });

    it("is finished by the next up, without hands", async () => {
      expect(await fleet.up()).toContain(container);
      expect((await fleet.tenantStatus("initech")).health).toBe("healthy");
    });

    it("left the others running", async () => {
      for (const tenant of ["acme", "globex"]) {
        expect((await fleet.tenant(tenant).get("/health")).status).toBe(200);
      }
    });
  });
