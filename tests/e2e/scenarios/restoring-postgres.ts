import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RestoredBackup } from "../../../fleet/commands/restore-backup.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { Promoted } from "../../support/fleet/promoted.ts";

/** A tenant that stays on Postgres, and comes back there from its backup. Nothing leads back from there: the last of all. */
export const restoringPostgres = (fleet: Fleet) =>
  describe("a tenant that stays on Postgres", () => {
    const promoted = new Promoted(fleet.engine);
    const home = join(fleet.root, "tenants/acme");
    const operate = (command: string, ...argv: string[]) =>
      fleet.driver.operate(command, ["acme", ...argv], { environment: { PGPASSWORD: promoted.password } });
    const titles = async () => (await (await fleet.signIn("acme")).chats()).map(({ title }) => title);
    const schemas = async () =>
      (await promoted.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'public%' ORDER BY 1")).map(
        ({ nspname }) => nspname,
      );
    const before = "In the backup of the Postgres";
    const after = "Written behind that backup";
    let restored: RestoredBackup;

    beforeAll(async () => {
      await fleet.file.setBackups(fleet.backups);
      await Promise.all([fleet.up(), promoted.startDatabase()]);
      await operate("promote", "--to", promoted.url, "--yes", "--json");
      await operate("promote", "--confirm", "--json");
      const session = await fleet.signIn("acme");
      await session.createChat(before);
      await fleet.driver.operate("backup", ["run", "acme"]);
      await session.createChat(after);
    });
    afterAll(() => promoted[Symbol.asyncDispose]());

    it("comes back there from its backup, and what was there is kept whole", async () => {
      const { stdout } = await operate("restore", "--from", "backup", "--yes", "--json");
      restored = JSON.parse(stdout) as RestoredBackup;
      expect(restored).toMatchObject({ tenant: "acme", source: "acme", downtime: expect.any(Number) });
      const found = await titles();
      expect(found).toContain(before);
      expect(found).not.toContain(after);
      expect(await schemas()).toEqual(["public", `public_before_${restored.operation}`]);
      expect(existsSync(join(restored.kept, "uploads"))).toBe(true);
      expect(await fleet.engine.docker(["ps", "--all", "--format", "{{.Names}}"])).toMatchObject({
        stdout: expect.not.stringContaining(`${fleet.stack}-scratch`),
      });
    });

    it("takes that back again, until it is confirmed", async () => {
      await operate("restore", "--from", "backup", "--undo", "--yes", "--json");
      expect(await titles()).toContain(after);
      await operate("restore", "--from", "backup", "--confirm", "--yes", "--json");
      expect(await schemas()).toEqual(["public"]);
      expect(readdirSync(home).filter((name) => /before|restore/.test(name))).toEqual([]);
      expect(await titles()).toContain(after);
    });
  });
