import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** Containers that somebody took away or stopped without a word to Pulumi. */
export const losses = (fleet: Fleet) =>
  describe("a fleet that lost containers behind Pulumi's back", () => {
    const [removed, stopped] = [fleet.name("tenant-globex"), fleet.name("node-b")];
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;
    let chat: string;

    beforeAll(async () => {
      chat = await (await fleet.signIn("globex")).createChat("Kept through the loss");
      before = await fleet.snapshot();
      await fleet.engine.docker(["rm", "-f", removed]);
      await fleet.engine.docker(["stop", stopped]);
    });

    it("is made whole by up, and nothing else is touched", async () => {
      expect(await fleet.up()).toMatch(/2 containers or networks stopped or went away/);
      const after = await fleet.snapshot();
      for (const name of [removed, stopped]) expect(after[name]?.id).not.toBe(before[name]?.id);
      expect({ ...after, [removed]: before[removed], [stopped]: before[stopped] }).toEqual(before);
    });

    it("has all its data", async () => {
      const chats = await (await fleet.signIn("globex")).chats();
      expect(chats.map(({ id }) => id)).toContain(chat);
    });
  });
