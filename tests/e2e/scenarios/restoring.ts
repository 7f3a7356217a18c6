import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { DrillLine } from "../../../fleet/commands/drill.ts";
import type { RestoredBackup } from "../../../fleet/commands/restore-backup.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";

/** A tenant that comes back from its backup, and what tries that before it is needed. */
export const restoring = (fleet: Fleet) =>
  describe("a tenant's backups", () => {
    const home = join(fleet.root, "tenants/acme");
    const others = () => fleet.snapshotBeside("acme");
    const chats = async () => (await (await fleet.signIn("acme")).chats()).map(({ id }) => id);
    const drill = async () => {
      const { stdout } = await fleet.driver.operate("drill", ["acme", "--json"], { mayFail: true });
      return (JSON.parse(stdout) as { drills: DrillLine[] }).drills;
    };
    let before: string;
    let after: string;

    beforeAll(async () => {
      await fleet.file.setBackups(fleet.backups);
      await fleet.up();
      const session = await fleet.signIn("acme");
      before = await session.createChat("Before the backup");
      expect((await session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      await fleet.driver.operate("backup", ["run", "acme"]);
      after = await session.createChat("After the backup");
    });

    describe("a trial restore", () => {
      it("starts the latest backup where nobody is in its way, signs in, and leaves nothing but its result", async () => {
        const running = await fleet.snapshot();
        expect(await drill()).toEqual([
          {
            tenant: "acme",
            drill: expect.objectContaining({
              ok: true,
              why: null,
              snapshot: expect.stringMatching(/^\w{8}/),
            }),
          },
        ]);
        expect(await fleet.snapshot()).toEqual(running);
        expect(readdirSync(join(fleet.root, "backup/drill"))).toEqual([]);
        const status = JSON.parse(readFileSync(join(fleet.root, "backup/status/acme.json"), "utf8"));
        expect(status.drill).toMatchObject({ ok: true });
      });
    });

    describe("a restore into place", () => {
      let restored: RestoredBackup;

      it("is refused unless it is confirmed", async () => {
        const said = await fleet.driver.operate("restore", ["acme", "--from", "backup"], { mayFail: true });
        expect([said.code, said.stderr]).toEqual([
          1,
          expect.stringMatching(/takes the place of what acme holds/),
        ]);
        expect(await chats()).toContain(after);
      });

      it("brings the tenant back as it was, to its users too, and nobody else is touched", async () => {
        const rest = await others();
        const { stdout } = await fleet.driver.operate("restore", [
          "acme",
          "--from",
          "backup",
          "--yes",
          "--json",
        ]);
        restored = JSON.parse(stdout) as RestoredBackup;
        expect(restored).toMatchObject({ tenant: "acme", source: "acme", downtime: expect.any(Number) });
        const found = await chats();
        expect(found).toContain(before);
        expect(found).not.toContain(after);
        expect(await others()).toEqual(rest);
        expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
      });

      it("is what is backed up from then on", async () => {
        const seen = ["stat", "--format", "%i", "/tenants/acme/data"];
        const { stdout } = await fleet.engine.exec(fleet.name("backup"), seen);
        expect(Number(stdout)).toBe(statSync(join(home, "data")).ino);
      });

      it("leaves a replica that equals it, and is not held", async () => {
        expect(restored.replica).toMatch(/equals/);
        expect((await fleet.tenantStatus("acme")).replica).toMatchObject({ equal: true, held: null });
        expect(await fleet.replica.chat("acme", after)).toBeUndefined();
      });

      it("keeps what was there beside, until that is confirmed", async () => {
        expect(existsSync(join(restored.kept, "webui.db"))).toBe(true);
        await fleet.driver.operate("restore", ["acme", "--from", "backup", "--confirm", "--yes"]);
        expect(readdirSync(home).filter((name) => /before|restore/.test(name))).toEqual([]);
      });
    });

    describe("a backup that was damaged where it is kept", () => {
      const packs = () => {
        const folder = join(fleet.backups, "acme/data");
        return readdirSync(folder, { recursive: true, encoding: "utf8" })
          .map((name) => join(folder, name))
          .filter((path) => statSync(path).isFile());
      };
      let whole: Map<string, Buffer>;

      beforeAll(() => {
        whole = new Map(packs().map((path) => [path, readFileSync(path)]));
        for (const [path, bytes] of whole) {
          const damaged = Buffer.from(bytes);
          for (let at = 64; at < damaged.length / 2; at += 512) damaged[at] = (damaged[at] as number) ^ 0xff;
          writeFileSync(path, damaged);
        }
      });

      it("is told by its trial restore, and by a restore, which changes nothing", async () => {
        const [found] = await drill();
        expect(found?.drill).toMatchObject({
          ok: false,
          why: expect.stringMatching(/damaged|not what|ciphertext/i),
        });
        const running = await fleet.snapshot();
        const said = await fleet.driver.operate("restore", ["acme", "--from", "backup", "--yes"], {
          mayFail: true,
        });
        expect([said.code, said.stdout + said.stderr]).toEqual([
          1,
          expect.stringMatching(/stopped at fetch|taken back/),
        ]);
        expect(await fleet.snapshot()).toEqual(running);
        const { stdout } = await fleet.driver.operate("operations", ["list", "acme", "--open", "--json"]);
        for (const { id } of (JSON.parse(stdout) as { operations: { id: string }[] }).operations)
          await fleet.driver.operate("operations", ["abort", id]);
        expect(await chats()).toContain(before);
        for (const [path, bytes] of whole) writeFileSync(path, bytes);
      });
    });
  });
