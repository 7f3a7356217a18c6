import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import type { LiveSocket } from "../../support/fleet/live-socket.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import { until } from "../../support/fleet/until.ts";

/** A third tenant comes, goes and comes back; the others don't notice. */
export const neighbours = (fleet: Fleet) =>
  describe("a third tenant", () => {
    const container = fleet.name("tenant-initech");
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;
    let socket: LiveSocket;
    let password: string | undefined;
    let chat: string;

    const passwordOf = async () => (await fleet.outputs()).tenants.initech?.admin.password;

    beforeAll(async () => {
      others = await fleet.snapshot();
      socket = await (await fleet.signIn("acme")).connect();
    });
    afterAll(() => socket?.close());

    it("is all that a preview shows once it has an entry", async () => {
      // Only what an entry must have: port and subnet follow from its name.
      await fleet.file.setTenant("initech", entryOf("initech"));
      const { stdout } = await fleet.driver.preview();
      expect(stdout).toContain("Tenant initech");
      expect(stdout).not.toMatch(/Tenant (acme|globex)|to (replace|remove)/);
      expect(await fleet.snapshot()).toEqual(others);
    });

    it("is added and serves", async () => {
      await fleet.up();
      expect((await fleet.tenant("initech").get("/health")).status).toBe(200);
      expect((await fleet.tenantStatus("initech")).replica.equal).toBe(true);
      password = await passwordOf();
      chat = await (await fleet.signIn("initech")).createChat("Kept through removal");
    });

    it("restarts neither the other tenants nor nginx, the agent, the nodes or Postgres", async () => {
      const now = await fleet.snapshot();
      delete now[container];
      expect(now).toEqual(others);
    });

    it("leaves an open WebSocket of acme open and answering", async () => {
      expect(socket.isOpen).toBe(true);
      expect(await socket.whoAmI()).toBe("Administrator");
    });

    it("keeps its data when its entry is removed, and nothing of it runs", async () => {
      await fleet.file.removeTenant("initech");
      await fleet.up();
      expect(await fleet.engine.containers()).not.toContain(container);
      expect(await fleet.engine.networks()).not.toContain(container);
      expect((await stat(join(fleet.root, "tenants/initech/data/webui.db"))).size).toBeGreaterThan(0);
      expect(await fleet.snapshot()).toEqual(others);
    });

    it("keeps its replica when its entry is removed", async () => {
      const [row] = await fleet.replica.query('SELECT count(*)::int AS users FROM tenant_initech."user"');
      expect(row).toEqual({ users: 1 });
    });

    it("comes back with its chats, its admin's password and an equal replica", async () => {
      await fleet.file.setTenant("initech", entryOf("initech"));
      await fleet.up();
      expect(await passwordOf()).toBe(password);
      const session = await fleet.signIn("initech");
      expect((await session.chats()).map(({ id }) => id)).toEqual([chat]);
      await fleet.syncUntil("initech", "success");
      await until("the chat in the replica", () => fleet.replica.chat("initech", chat));
    });

    it("is gone again without a trace in the others, whose WebSocket is still the same", async () => {
      await fleet.file.removeTenant("initech");
      await fleet.up();
      expect(await fleet.snapshot()).toEqual(others);
      expect(socket.isOpen).toBe(true);
    });
  });
