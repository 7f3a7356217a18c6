import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { OpenPorts } from "../../support/fleet/open-ports.ts";
import { entryOf, type TenantEntry } from "../../support/fleet/stack-file.ts";

/** A port of the range tenants may have. */
const TAKEN = 21_999;

/** What `up` refuses before it has changed anything. */
export const mistakes = (fleet: Fleet) =>
  describe("a stack's file that cannot be made true", () => {
    const ports = new OpenPorts();
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;

    /** What `up` says to an entry it must refuse. */
    const refusal = async (change: TenantEntry): Promise<string> => {
      await fleet.file.setTenant("globex", change);
      const { code, stdout, stderr } = await fleet.driver.up({ mayFail: true });
      expect(code).toBe(1);
      return stdout + stderr;
    };

    beforeAll(async () => {
      before = await fleet.snapshot();
      await ports.open("127.0.0.1", [TAKEN]);
    });
    afterAll(async () => {
      await ports.close();
      await fleet.file.setTenant("globex", { ...entryOf("globex"), port: undefined });
    });

    it("is refused with all its mistakes at once, each by its path, and no stack trace", async () => {
      const said = await refusal({ domain: "acme.localhost", sync: { interval: "2m" } });
      expect(said).toContain("tenants.globex.domain");
      expect(said).toContain("tenants.globex.sync.interval");
      expect(said).not.toMatch(/^\s+at /m);
    });

    it("is refused for a port that somebody else listens on", async () => {
      const said = await refusal({ ...entryOf("globex"), port: TAKEN });
      expect(said).toContain(String(TAKEN));
      expect(said).not.toMatch(/^\s+at /m);
    });

    it("has changed nothing", async () => {
      expect(await fleet.snapshot()).toEqual(before);
    });
  });
