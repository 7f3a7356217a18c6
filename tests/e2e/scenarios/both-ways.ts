import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";
import { until } from "../../support/fleet/until.ts";

/** A tenant whose entry says that edits of its replica are to reach it; the other's go one way as ever. */
export const bothWays = (fleet: Fleet) =>
  describe("a tenant that is synced both ways", () => {
    const writer = fleet.name("writer");
    const direction = (direction: "one-way" | "both") =>
      fleet.file.setTenant("acme", { sync: { interval: "1m", direction } });
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;
    let session: Session;
    let chat: string;
    let others: string;

    const titleOf = async (of: Session, id: string) =>
      (await of.chats()).find((found) => found.id === id)?.title;

    beforeAll(async () => {
      session = await fleet.signIn("acme");
      chat = await session.createChat("A title");
      others = await (await fleet.signIn("globex")).createChat("A title");
      for (const tenant of ["acme", "globex"]) await fleet.syncUntil(tenant, "success");
      before = await fleet.snapshot();
    });
    afterAll(async () => {
      await session.deleteChat(chat);
    });

    it("is one new container in a preview, which changes nothing of any other", async () => {
      expect(Object.keys(before)).not.toContain(writer);
      await direction("both");
      const { stdout } = await fleet.driver.preview();
      expect(stdout).toMatch(/Writer local-writer\n(.*\n)*? {4}\+ local-writer-container/);
      expect(stdout.match(/\+ \S*-(container|agent|nginx|postgres|node-\w)$/gm)).toHaveLength(1);
      expect(stdout).not.toMatch(/to (replace|remove)/);
      await fleet.up();
      const { [writer]: added, ...rest } = await fleet.snapshot();
      expect(added).toBeDefined();
      expect(rest).toEqual(before);
    });

    it("shows in its application what somebody edited in its replica, without a restart", async () => {
      const edit = "UPDATE tenant_$.chat SET title = 'A better title' WHERE id = $1";
      await fleet.replica.query(edit.replace("$", "acme"), [chat]);
      await fleet.replica.query(edit.replace("$", "globex"), [others]);
      for (const tenant of ["acme", "globex"]) await fleet.syncUntil(tenant, "success");
      await until("the title in Open WebUI", async () => (await titleOf(session, chat)) === "A better title");
      await until(
        "a replica that does not differ",
        async () => (await fleet.tenantStatus("acme")).replica.decided === 0,
      );
      expect((await fleet.tenantStatus("acme")).replica.equal).toBe(true);
      const { [writer]: _, ...rest } = await fleet.snapshot();
      expect(rest).toEqual(before);
    });

    it("says in the log of conflicts who wrote it, and that the source has it", async () => {
      const [conflict] = await fleet.replica.query(
        `SELECT winner, written_by, converged_at IS NOT NULL AS found FROM sync_metadata.conflict_log
         WHERE tenant = 'acme' AND key ->> 'id' = $1`,
        [chat],
      );
      expect(conflict).toEqual({ winner: "remote", written_by: "local", found: true });
    });

    it("leaves the other tenant's database as its users left it", async () => {
      expect(await titleOf(await fleet.signIn("globex"), others)).toBe("A title");
      expect((await fleet.tenantStatus("globex")).replica).toMatchObject({ equal: true, decided: 1 });
      await fleet.replica.query("UPDATE tenant_globex.chat SET title = 'A title' WHERE id = $1", [others]);
      await (await fleet.signIn("globex")).deleteChat(others);
      await fleet.syncUntil("globex", "success");
    });

    it("has its writer see nothing but its data, as nobody who could do more", async () => {
      const { stdout: seen } = await fleet.engine.exec(writer, ["ls", "/tenants", "/tenants/acme"]);
      expect(seen.split("\n").filter(Boolean)).toEqual(["/tenants:", "acme", "/tenants/acme:", "data"]);
      const { stdout: limits } = await fleet.engine.exec(writer, ["grep", "CapEff", "/proc/1/status"]);
      expect(limits).toMatch(/CapEff:\s+0{16}/);
    });

    it("has no writer any more once it goes one way again", async () => {
      await direction("one-way");
      await fleet.up();
      expect(await fleet.snapshot()).toEqual(before);
    });
  });
