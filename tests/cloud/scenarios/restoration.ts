import { beforeAll, describe, expect, it } from "vitest";
import { patience, type Staging } from "../../support/cloud/staging.ts";

const host = "fra1-b";

/** A tenant's database that is lost on a host far from the replicas. */
export const restoration = (staging: Staging) =>
  describe("a database lost on a remote host", () => {
    let chat: string;
    let refusal: string;

    beforeAll(async () => {
      chat = await (await staging.signIn("hooli", host)).createChat("Asked before the loss");
      await staging.driver.sync("hooli");
      await staging.within(
        host,
        "docker stop owui-staging-tenant-hooli >/dev/null && rm -f /srv/fleet/tenants/hooli/data/webui.db*",
      );
      refusal = await staging.upFails();
      await staging.edit(({ tenants }) => {
        Object.assign(tenants.hooli ?? {}, { restore: "replica" });
      });
      const since = Date.now();
      await staging.up();
      await staging.well(since);
    }, patience);

    it("is never started empty by accident", () => {
      expect(refusal).toMatch(/hooli/);
      expect(refusal).toMatch(/restore: replica/);
      expect(refusal).toMatch(/fresh: true/);
    });

    it("comes back from its replica, with every chat", async () => {
      expect((await (await staging.signIn("hooli", host)).chats()).map(({ id }) => id)).toContain(chat);
    });

    it(
      "starts nothing anew when the word is taken out again, and asks for nothing more",
      async () => {
        const before = await staging.containers(host);
        await staging.edit(({ tenants }) => {
          delete tenants.hooli?.restore;
        });
        await staging.up();
        expect(await staging.containers(host)).toEqual(before);
        await staging.nothingIsDue();
      },
      patience,
    );
  });
