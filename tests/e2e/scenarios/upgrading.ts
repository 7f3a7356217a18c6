import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import type { Upgraded } from "../../../fleet/commands/upgrade.ts";
import type { Aside } from "../../../fleet/on-host/tenant-version.ts";
import { failingVersion, makeFailingVersion } from "../../support/fleet/failing-version.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";

/**
 * A tenant born with an older Open WebUI, upgraded by the operator's command while its replica follows, and a version that
 * damages its database and fails, which is taken back.
 */
export const upgrading = (fleet: Fleet) =>
  describe("an older Open WebUI that is upgraded by one command", () => {
    const client = fleet.tenant("globex");
    let chat: string;
    let before: Awaited<ReturnType<Fleet["snapshot"]>>;
    let tables: number;
    let outcome: { upgraded: Upgraded[] };

    const version = async () => (await client.json<{ version: string }>("/api/version")).version;
    const others = () => fleet.snapshotBeside("globex");
    const kept = async (): Promise<Aside[]> =>
      JSON.parse((await fleet.driver.operate("rollback", ["globex", "--list", "--json"])).stdout).kept;

    beforeAll(async () => {
      expect(await version()).toBe("0.9.6");
      chat = await (await fleet.signIn("globex")).createChat("Asked of the old version");
      const { replica } = await fleet.syncUntil("globex", "success");
      tables = replica.tables;
      before = await others();
      const { stdout } = await fleet.driver.operate("upgrade", [
        "globex",
        "--to",
        "v0.11.3",
        "--yes",
        "--json",
      ]);
      outcome = JSON.parse(stdout);
    });

    it("runs the new version, and nothing else was restarted", async () => {
      expect(await version()).toBe("0.11.3");
      expect(await others()).toEqual(before);
    });

    it("says how long it was away, and what was expected behind the rehearsal", () => {
      expect(outcome.upgraded).toEqual([
        {
          ...{ tenant: "globex", from: "v0.9.6", to: "v0.11.3", operation: expect.any(String) },
          ...{ downtimeSeconds: expect.any(Number), expectedSeconds: expect.any(Number) },
        },
      ]);
    });

    it("is followed by its replica into the new schema, equal and not held", async () => {
      const { replica } = await fleet.tenantStatus("globex");
      expect(replica).toMatchObject({ equal: true, held: null });
      expect(replica.tables).toBeGreaterThan(tables);
    });

    it("keeps the chat of before in the application and in the replica", async () => {
      const session = await fleet.signIn("globex");
      expect((await session.chats()).map(({ id }) => id)).toContain(chat);
      expect(await fleet.replica.chat("globex", chat)).toMatchObject({ title: "Asked of the old version" });
    });

    it("has its database of before kept on its host, and leaves nothing of the rehearsal", async () => {
      expect(await kept()).toMatchObject([
        { record: { version: "v0.9.6", next: "v0.11.3", kind: "upgrade" } },
      ]);
      const { stdout } = await fleet.engine.docker(["ps", "--all", "--format", "{{.Names}}"]);
      expect(stdout).not.toContain(fleet.name("scratch"));
      await expect(readFile(join(fleet.root, "tenants/globex/config/switch"))).rejects.toThrow("ENOENT");
    });

    it("cannot be taken to an older one", async () => {
      const refused = await fleet.driver.operate("upgrade", ["globex", "--to", "v0.9.6", "--yes"], {
        mayFail: true,
      });
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("npx fleet rollback globex"),
      });
    });

    describe("to a version that deletes every chat and fails", () => {
      let later: string;
      let said: string;
      let written: string;
      const home = join(fleet.root, "tenants/globex");
      /** A hash over every chat, with all that it holds. */
      const chatsIn = (folder: string): string => {
        using database = new DatabaseSync(join(home, folder, "webui.db"), { readOnly: true });
        const rows = database.prepare("SELECT * FROM chat ORDER BY id").all();
        return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
      };

      beforeAll(async () => {
        later = await (await fleet.signIn("globex")).createChat("Asked of the new version");
        written = chatsIn("data");
        const failing = await makeFailingVersion(fleet.engine, "live");
        const failed = await fleet.driver.operate("upgrade", ["globex", "--to", failing, "--yes"], {
          mayFail: true,
        });
        expect(failed.code).toBe(1);
        said = failed.stderr;
      });

      it("has version and database of before again, by itself, and every chat", async () => {
        expect(said).toMatch(/was taken back: v0\.11\.4\S+ ended by itself/);
        expect(await version()).toBe("0.11.3");
        const titles = (await (await fleet.signIn("globex")).chats()).map(({ title }) => title);
        expect(titles).toEqual(
          expect.arrayContaining(["Asked of the old version", "Asked of the new version"]),
        );
        expect(chatsIn("data")).toBe(written);
        expect(await others()).toEqual(before);
      });

      it("says so in its entry again, and nothing is left to apply", async () => {
        expect(await readFile(fleet.file.path, "utf8")).not.toContain("v0.11.4");
        expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
      });

      it("has kept the database that the failing version made, too", async () => {
        const [failed] = (await kept()).filter(({ folder }) => folder.startsWith("data.failed"));
        expect(failed?.record).toMatchObject({ version: failingVersion("live"), next: "v0.11.3" });
        expect(chatsIn(failed?.folder ?? "")).not.toBe(written);
      });

      it("has a replica that is equal and not held, with the chat in it", async () => {
        expect(await fleet.syncUntil("globex", "success")).toMatchObject({ replica: { equal: true } });
        expect(await fleet.replica.chat("globex", later)).toMatchObject({
          title: "Asked of the new version",
        });
      });
    });
  });
