import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { fingerprints } from "../../support/fleet/fingerprints.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** Down, up again, and the end. */
export const rest = (fleet: Fleet) => {
  describe("down", () => {
    let chat: string;
    let logo: Buffer;
    let files: Record<string, string>;

    /** What no run of Open WebUI or Postgres rewrites, so that every byte can be compared. */
    const lasting = () =>
      fingerprints(
        fleet.root,
        /^(tenants\/[^/]+\/(config|branding|data\/uploads)\/|tenants\/[^/]+\/data\/\.owui)/,
      );

    beforeAll(async () => {
      const session = await fleet.signIn("acme");
      chat = await session.createChat("Kept through down");
      logo = await readFile(join(fleet.root, "tenants/acme/branding/logo.png"));
      await fleet.syncUntil("acme", "success");
      files = await lasting();
      await fleet.driver.down();
    });

    it("leaves nothing of the stack running", async () => {
      expect(await fleet.engine.containers()).toEqual([]);
      expect(await fleet.engine.networks()).toEqual([]);
    });

    it("keeps every byte of data", async () => {
      expect(Object.keys(files).join()).toContain("uploads/");
      expect(await lasting()).toEqual(files);
      for (const path of ["tenants/acme/data/webui.db", "tenants/globex/data/webui.db", "postgres"]) {
        expect((await stat(join(fleet.root, path))).size).toBeGreaterThan(0);
      }
    });

    it("is undone by up: admin, chat, replica and logo are there", async () => {
      await fleet.up();
      const session = await fleet.signIn("acme");
      expect((await session.chats()).map(({ id }) => id)).toContain(chat);
      expect(await fleet.replica.chat("acme", chat)).toMatchObject({ title: "Kept through down" });
      expect((await fleet.tenant("acme").get("/static/logo.png")).body.equals(logo)).toBe(true);
      for (const { replica } of (await fleet.driver.status()).tenants) expect(replica.equal).toBe(true);
    });

    it("is undone wholly: another up changes nothing", async () => {
      expect(await fleet.up()).toMatch(/nothing changed/i);
    });
  });

  describe("down --purge", () => {
    it("deletes nothing unless it is confirmed", async () => {
      const { code } = await fleet.driver.down(["--purge"], { mayFail: true });
      expect(code).not.toBe(0);
      expect((await fleet.tenant("acme").get("/health")).status).toBe(200);
    });

    it("leaves nothing on the engine", async () => {
      await fleet.driver.down(["--purge", "--yes"]);
      expect(await fleet.engine.containers()).toEqual([]);
      expect(await fleet.engine.networks()).toEqual([]);
    });

    it("deletes the data", async () => {
      await expect(stat(fleet.root)).rejects.toThrow(/ENOENT/);
    });
  });
};
