import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";
import { until } from "../../support/fleet/until.ts";

/** The interval of one minute, and the sync itself on a machine that is busy with much else. */
const INTERVAL_AND_SYNC_S = 120;

/** A chat's way into the replica and out of it, by the interval alone: nothing is triggered. */
export const chats = (fleet: Fleet) =>
  describe("a chat", () => {
    let session: Session;
    let chat: string;

    beforeAll(async () => {
      session = await fleet.signIn("acme");
    });

    it("is made by the admin, who signs in with the password that the operator is shown", async () => {
      expect(session.role).toBe("admin");
      expect(await fleet.driver.password("acme")).toContain(
        (await fleet.outputs()).tenants.acme?.admin.password,
      );
      chat = await session.createChat("The first question");
      expect((await session.chats()).map(({ id }) => id)).toContain(chat);
    });

    it("reaches the replica within the interval, whole", async () => {
      const row = await until(
        "the chat's row in the replica",
        () => fleet.replica.chat("acme", chat),
        INTERVAL_AND_SYNC_S,
      );
      expect(row.title).toBe("The first question");
      expect(JSON.stringify(row.chat)).toContain("The first question");
    });

    it("is in no other tenant's replica", async () => {
      expect(await fleet.replica.chat("globex", chat)).toBeUndefined();
    });

    it("leaves the replica within the interval once it is deleted, and is kept as a tombstone", async () => {
      await session.deleteChat(chat);
      await until(
        "the chat's row to leave the replica",
        async () => (await fleet.replica.chat("acme", chat)) === undefined,
        INTERVAL_AND_SYNC_S,
      );
      const [tombstone] = await fleet.replica.tombstones("acme", "chat", chat);
      expect(JSON.stringify(tombstone)).toContain("The first question");
    });

    it("leaves the replica verified as equal", async () => {
      expect((await fleet.tenantStatus("acme")).replica.equal).toBe(true);
    });
  });
