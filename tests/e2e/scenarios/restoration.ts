import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { contentsOfFile } from "../../support/table-contents.ts";

/** A tenant's database, rebuilt from its replica: into a file, and in the place of one that was lost. */
export const restoration = (fleet: Fleet) => {
  const data = join(fleet.root, "tenants/globex/data");
  const container = fleet.name("tenant-globex");
  const file = join(fleet.workspace, "restored.db");
  let chat: string;

  const others = () => fleet.snapshotBeside("globex");
  const shown = async (tenant: string) => (await fleet.engine.container(tenant)).running;

  describe("a database rebuilt into a file", () => {
    beforeAll(async () => {
      chat = await (await fleet.signIn("globex")).createChat("Kept through the loss of the disk");
      // Nothing writes any more, so that the last sync is what the file on the disk holds.
      await fleet.engine.docker(["stop", container]);
      await fleet.syncUntil("globex", "success");
    });

    it("holds what the tenant's own holds, value by value", async () => {
      const { tables, rows, missing } = await fleet.driver.restore("globex", file);
      expect(tables).toBeGreaterThanOrEqual(40);
      expect(missing).toEqual([]);
      const contents = contentsOfFile(file);
      expect(contents).toEqual(contentsOfFile(join(data, "webui.db")));
      expect(Object.values(contents).reduce((sum, { length }) => sum + length, 0)).toBe(rows);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    });

    it("takes no file's place unless that is said", async () => {
      await expect(fleet.driver.restore("globex", file)).rejects.toThrow(/exists already.*--force/s);
      await fleet.driver.restore("globex", file, ["--force"]);
    });
  });

  describe("a tenant whose data directory lost its database", () => {
    const aside = join(fleet.workspace, "lost");
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;

    beforeAll(async () => {
      await mkdir(aside);
      for (const name of await readdir(data))
        if (/^webui\.db|^\.owui/.test(name)) await rename(join(data, name), join(aside, name));
      before = await others();
    });

    it("is not started by up, which says what to do", async () => {
      const { code, stdout, stderr } = await fleet.driver.up({ mayFail: true });
      expect(code).toBe(1);
      expect(stdout + stderr).toMatch(/tenant globex holds no database, and its replica holds \d+ rows/);
      expect(stdout + stderr).toContain("restore: replica into tenants.globex");
      expect(await shown(container).catch(() => false)).toBe(false);
      expect(await others()).toEqual(before);
      expect(await readdir(data)).not.toContain("webui.db");
    });

    it("is brought back by up once its entry says restore: replica", async () => {
      await fleet.file.setTenant("globex", { restore: "replica" });
      await fleet.up();
      expect(await others()).toEqual(before);
    });

    it("lets its user in with the password of before, to the chat of before", async () => {
      const chats = await (await fleet.signIn("globex")).chats();
      expect(chats.map(({ id }) => id)).toContain(chat);
    });

    it("is synced on, equal and not held", async () => {
      const later = await (await fleet.signIn("globex")).createChat("After the loss");
      const { replica } = await fleet.syncUntil("globex", "success");
      expect(replica).toMatchObject({ equal: true });
      expect((replica as { held?: unknown }).held ?? null).toBeNull();
      expect(await fleet.replica.chat("globex", later)).toMatchObject({ title: "After the loss" });
      expect(await fleet.replica.chat("globex", chat)).toBeDefined();
    });

    it("keeps its entry without any consequence", async () => {
      expect(await fleet.up()).toMatch(/nothing changed/i);
      await fleet.file.setTenant("globex", { restore: undefined });
      expect(await fleet.up()).toMatch(/nothing changed/i);
    });
  });

  describe("a tenant that is to start empty", () => {
    beforeAll(async () => {
      await fleet.engine.docker(["stop", container]);
      for (const name of await readdir(data)) if (name.startsWith("webui.db")) await rm(join(data, name));
      await fleet.file.setTenant("globex", { fresh: true });
    });

    it("is started by up, its admin made anew before anybody else could be the first", async () => {
      expect(await fleet.up()).toMatch(/healthy; held: the replica of globex/);
      const session = await fleet.signIn("globex");
      expect(session.role).toBe("admin");
      expect(await session.chats()).toEqual([]);
      expect((await fleet.tenant("globex").signUp("stranger@example.com")).status).toBe(403);
    });

    it("leaves its replica with what it had, held for the other identity", async () => {
      expect(await fleet.replica.chat("globex", chat)).toBeDefined();
      const { replica } = await (await fleet.cluster()).sync("globex");
      expect(replica).toMatchObject({ held: { reason: "identity-changed", accepted: false } });
    });

    it("is followed by its replica once the operator accepts it", async () => {
      await fleet.file.setTenant("globex", { fresh: undefined });
      await fleet.driver.accept("globex");
      expect(await fleet.replica.chat("globex", chat)).toBeUndefined();
      expect((await fleet.tenantStatus("globex")).replica).toMatchObject({ equal: true, held: null });
      expect(await fleet.up()).toMatch(/nothing changed/i);
    });
  });
};
