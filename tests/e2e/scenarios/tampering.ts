import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** One byte of a replica, altered by somebody who may do anything in Postgres: past the triggers, and as anybody would. */
export const tampering = (fleet: Fleet) => {
  let chat: string;
  const ALTERED = "UPDATE tenant_globex.chat SET title = 'original' WHERE id = $1 RETURNING title";

  describe("a replica in which one byte was altered unseen", () => {
    beforeAll(async () => {
      chat = await (await fleet.signIn("globex")).createChat("Original");
      await fleet.syncUntil("globex", "success");
      expect(await fleet.replica.tamper(ALTERED, [chat])).toEqual([{ title: "original" }]);
    });

    it("fails the next sync, which says what differs, and is no longer called equal", async () => {
      const { last, replica } = await fleet.syncUntil("globex", "failed");
      expect(last?.error).toMatch(/not equal: chat has \d+ rows of other content/);
      expect(replica.equal).toBe(false);
    });

    it("is repaired and equal after the sync that follows", async () => {
      await fleet.syncUntil("globex", "success");
      expect((await fleet.replica.chat("globex", chat))?.title).toBe("Original");
      expect((await fleet.tenantStatus("globex")).replica.equal).toBe(true);
    });
  });

  describe("a replica in which somebody edited a chat", () => {
    it("keeps the edit, and is equal except for that row", async () => {
      expect(await fleet.replica.query(ALTERED, [chat])).toEqual([{ title: "original" }]);
      await fleet.syncUntil("globex", "success");
      expect((await fleet.replica.chat("globex", chat))?.title).toBe("original");
      expect((await fleet.tenantStatus("globex")).replica).toMatchObject({ equal: true, decided: 1 });
    });

    it("gives it up when it is taken back", async () => {
      await fleet.replica.query("UPDATE tenant_globex.chat SET title = 'Original' WHERE id = $1", [chat]);
      await fleet.syncUntil("globex", "success");
      expect((await fleet.tenantStatus("globex")).replica).toMatchObject({ equal: true, decided: 0 });
    });
  });
};
