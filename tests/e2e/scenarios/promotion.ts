import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Promotion } from "../../../sync-runtime/promote/report.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { Promoted } from "../../support/fleet/promoted.ts";
import { adminOf } from "../../support/fleet/stack-file.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";

/** A tenant's way from SQLite to Postgres: a database made from the replica, and real Open WebUI started on it. */
export const promotion = (fleet: Fleet) =>
  describe("a replica that is promoted", () => {
    const promoted = new Promoted(fleet.engine);
    let chat: string;
    let report: Promotion;
    let session: Session;

    beforeAll(async () => {
      chat = await (await fleet.signIn("acme")).createChat("What was asked on SQLite");
      await Promise.all([fleet.syncUntil("acme", "success"), promoted.startDatabase()]);
      const { stdout } = await fleet.driver.promote("acme", promoted.url, promoted.password);
      report = JSON.parse(stdout) as Promotion;
    });
    afterAll(() => promoted[Symbol.asyncDispose]());

    it("fills the schema that the tenant's own version made, table for table", () => {
      expect(report).toMatchObject({ tenant: "acme", promoted: true, violations: [] });
      expect(report.tables.filter(({ equal }) => !equal)).toEqual([]);
      expect(report.tables.length).toBeGreaterThan(40);
    });

    it("is refused a second time, because somebody may have written since", async () => {
      const again = await fleet.driver.promote("acme", promoted.url, promoted.password, { mayFail: true });
      expect(again.code).toBe(1);
      expect(again.stderr + again.stdout).toContain("The target already holds Open WebUI's data");
    });

    it("lets the admin of before sign in, on Open WebUI of the same version", async () => {
      const [seen] = JSON.parse(await fleet.engine.inspect("container", [fleet.name("tenant-acme")]));
      const client = await promoted.startApplication(seen.Config.Image);
      const { admin } = (await fleet.outputs()).tenants.acme ?? {};
      session = await client.signIn(adminOf("acme"), admin?.password ?? "");
      expect(session.role).toBe("admin");
    });

    it("gives the chat back, word for word", async () => {
      expect((await session.chats()).map(({ id }) => id)).toContain(chat);
      const { title, chat: document } = await session.chat(chat);
      expect(title).toBe("What was asked on SQLite");
      expect(document.messages.map(({ content }) => content)).toEqual(["What was asked on SQLite"]);
    });

    it("takes a new one, and the tenant goes on by itself", async () => {
      const added = await session.createChat("What was asked on Postgres");
      expect(await promoted.query("SELECT title FROM chat WHERE id = $1", [added])).toEqual([
        { title: "What was asked on Postgres" },
      ]);
      const own = await fleet.signIn("acme");
      expect((await own.chats()).map(({ id }) => id)).not.toContain(added);
      await own.deleteChat(chat);
    });
  });
