import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** A tenant born with an older Open WebUI, upgraded in place by its entry while its replica follows. */
export const upgrade = (fleet: Fleet) =>
  describe("an older Open WebUI that is upgraded in place", () => {
    const container = fleet.name("tenant-globex");
    let chat: string;
    let before: Awaited<ReturnType<typeof others>>;
    let tables: number;

    const version = async () =>
      (await fleet.tenant("globex").json<{ version: string }>("/api/version")).version;
    /** Everything but the tenant that is upgraded. */
    const others = async () => {
      const { [container]: _, ...rest } = await fleet.snapshot();
      return rest;
    };

    beforeAll(async () => {
      expect(await version()).toBe("0.9.6");
      chat = await (await fleet.signIn("globex")).createChat("Asked of the old version");
      const { replica } = await fleet.syncUntil("globex", "success");
      tables = replica.tables;
      before = await others();
      await fleet.file.setTenant("globex", { version: undefined });
      await fleet.up();
    });

    it("runs the new version, and nothing else was restarted", async () => {
      expect(await version()).toBe("0.11.3");
      expect(await others()).toEqual(before);
    });

    it("is followed by its replica into the new schema, equal and not held", async () => {
      const { replica } = await fleet.tenantStatus("globex");
      expect(replica).toMatchObject({ equal: true, held: null });
      expect(replica.tables).toBeGreaterThan(tables);
    });

    it("keeps the chat of before in the application and in the replica", async () => {
      const session = await fleet.signIn("globex");
      expect((await session.chats()).map(({ id }) => id)).toContain(chat);
      expect(await fleet.replica.chat("globex", chat)).toMatchObject({ title: "Asked of the old version" });
    });

    it("takes a new chat, which the replica gets as well", async () => {
      const later = await (await fleet.signIn("globex")).createChat("Asked of the new version");
      expect(await fleet.syncUntil("globex", "success")).toMatchObject({ replica: { equal: true } });
      expect(await fleet.replica.chat("globex", later)).toMatchObject({ title: "Asked of the new version" });
    });
  });
