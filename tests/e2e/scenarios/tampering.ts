import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** One byte of a replica, altered by somebody who may do anything in Postgres. */
export const tampering = (fleet: Fleet) =>
  describe("a replica in which one byte was altered", () => {
    let chat: string;

    beforeAll(async () => {
      chat = await (await fleet.signIn("globex")).createChat("Original");
      await fleet.syncUntil("globex", "success");
      const altered = await fleet.replica.query(
        "UPDATE tenant_globex.chat SET title = 'original' WHERE id = $1 RETURNING title",
        [chat],
      );
      expect(altered).toEqual([{ title: "original" }]);
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
