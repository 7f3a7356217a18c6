import { beforeAll, describe, expect, it } from "vitest";
import type { RestoredBackup } from "../../../fleet/commands/restore-backup.ts";
import type { Upgraded } from "../../../fleet/commands/upgrade.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";

/** Releases of Open WebUI that tenants are known to run; each but the last is upgraded to the next one. */
const releases = [
  { release: "v0.6.43", tables: 31 },
  { release: "v0.9.6", tables: 42 },
  { release: "v0.11.3", tables: 43 },
  { release: "v0.12.4", tables: 48 },
];
const next = (release: string) => releases[releases.findIndex((one) => one.release === release) + 1];
const tenantOf = (release: string) => release.replaceAll(".", "-");

/** A tenant of every release at once, each through what a tenant goes through. */
export const versions = (fleet: Fleet) =>
  describe("a fleet of several releases of Open WebUI", () => {
    beforeAll(async () => {
      await fleet.file.setBackups(fleet.backups);
      for (const tenant of ["acme", "globex"]) await fleet.file.removeTenant(tenant);
      for (const { release } of releases)
        await fleet.file.setTenant(tenantOf(release), { ...entryOf(tenantOf(release)), version: release });
      await fleet.up();
    });

    describe.each(releases)("$release", ({ release, tables }) => {
      const tenant = tenantOf(release);
      const client = fleet.tenant(tenant);
      let session: Session;
      let chat: string;

      const version = async () => `v${(await client.json<{ version: string }>("/api/version")).version}`;
      const chats = async () => (await session.chats()).map(({ id }) => id);
      /** The replica has what the application has. */
      const follows = async () => {
        expect(await fleet.syncUntil(tenant, "success")).toMatchObject({
          replica: { equal: true, held: null },
        });
        expect(await fleet.replica.chat(tenant, chat)).toMatchObject({ title: `Asked of ${release}` });
      };

      beforeAll(async () => {
        expect(await version()).toBe(release);
        session = await fleet.signIn(tenant);
        chat = await session.createChat(`Asked of ${release}`);
      });

      it("lets its admin in, and no stranger", async () => {
        expect(session.role).toBe("admin");
        expect((await client.signUp("stranger@example.com")).status).toBe(403);
      });

      it("keeps chats and files", async () => {
        expect((await session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
        expect((await session.chat(chat)).chat.messages).toMatchObject([{ content: `Asked of ${release}` }]);
      });

      it("is followed by its replica", async () => {
        await follows();
        expect((await fleet.tenantStatus(tenant)).replica).toMatchObject({ equal: true, tables });
      });

      it("comes back from its backup, which a real application is tried on", async () => {
        await fleet.driver.operate("backup", ["run", tenant]);
        const after = await session.createChat("Behind the backup");
        const { stdout } = await fleet.driver.operate("restore", [
          tenant,
          "--from",
          "backup",
          "--yes",
          "--json",
        ]);
        expect(JSON.parse(stdout) as RestoredBackup).toMatchObject({
          replica: expect.stringMatching(/equals/),
        });
        expect(await chats()).toContain(chat);
        expect(await chats()).not.toContain(after);
        await follows();
      });

      const later = next(release);
      it.skipIf(!later)(`goes on to ${later?.release ?? "no later one"}, with what it had`, async () => {
        const { stdout } = await fleet.driver.operate("upgrade", [
          ...[tenant, "--to", later?.release ?? "", "--yes", "--json"],
        ]);
        const { upgraded } = JSON.parse(stdout) as { upgraded: Upgraded[] };
        expect(upgraded).toMatchObject([{ tenant, from: release, to: later?.release }]);
        expect(await version()).toBe(later?.release);
        expect(await chats()).toContain(chat);
        expect((await session.chat(chat)).chat.messages).toMatchObject([{ content: `Asked of ${release}` }]);
        await follows();
        expect((await fleet.tenantStatus(tenant)).replica.tables).toBeGreaterThan(tables);
      });
    });
  });
