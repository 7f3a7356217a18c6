import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AdoptionReport } from "../../../fleet/adoption/report.ts";
import { exitCodes } from "../../../fleet/exit-code.ts";
import type { CommandOptions } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { ana, OwnWebui, rowHashes } from "../../support/fleet/own-webui.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";

const upstream = "ghcr.io/open-webui/open-webui";

/**
 * An Open WebUI that somebody started by hand becomes a tenant. The command that does it is killed while it rehearses, which
 * costs nobody anything, and another goes on. What else can happen: adopting-faults.ts.
 */
export const adopting = (fleet: Fleet) =>
  describe("an Open WebUI that runs already", () => {
    const tenant = "newcomer";
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-source`);
    const home = join(fleet.root, "tenants", tenant);
    const container = ["--container", source.name];
    const adopt = (args: string[], options?: CommandOptions) =>
      fleet.driver.operate("adopt", [tenant, ...args], options);
    const opened = async (session: Session) => (await session.chats()).map(({ id }) => id);

    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;
    let operation: string;

    beforeAll(async () => {
      await source.start(`${upstream}:v0.11.3`);
      sessions = await source.live();
      others = await fleet.snapshot();
    });
    afterAll(async () => {
      // The next `up` takes it out; its data stays, as every tenant's.
      await fleet.file.removeTenant(tenant);
      await source[Symbol.asyncDispose]();
    });

    it("is looked at without a change to anything", async () => {
      const [before, made] = [await readFile(fleet.file.path, "utf8"), existsSync(home)];
      const report = JSON.parse(
        (await adopt([...container, "--dry-run", "--json"])).stdout,
      ) as AdoptionReport;
      expect(report).toMatchObject({
        ...{ tenant, admin: ana.email, domain: `${tenant}.localhost`, static: [] },
        source: { kind: "container", container: source.name, running: true, restart: "always" },
        version: { source: "0.11.3", tenant: "0.11.3", image: `${upstream}:v0.11.3` },
        database: { users: 2, admins: [ana.email], chats: 2, files: 1 },
        data: { uploads: 1 },
        environment: { carried: expect.arrayContaining(["RAG_TOP_K"]) },
        risks: [{ refused: false, what: expect.stringContaining("nobody answers there any more") }],
      });
      expect(await readFile(fleet.file.path, "utf8")).toBe(before);
      expect(existsSync(home)).toBe(made);
    });

    it("serves on untouched when the command is killed at its rehearsal, and keeps others from the tenant", async () => {
      const { startedAt } = await source.state();
      const killed = await adopt([...container, "--yes"], { killAt: /rehearse .* on a copy/, mayFail: true });
      expect(killed.code).toBeNull();
      expect(await source.state()).toMatchObject({ running: true, startedAt });
      expect(await opened(sessions.ben)).toEqual([sessions.chat]);
      const refused = await fleet.driver.operate("erase", [tenant, "--yes", "--confirm", tenant], {
        mayFail: true,
      });
      expect([refused.code, refused.stderr]).toEqual([
        exitCodes.busy,
        expect.stringMatching(/adopt \d+ of newcomer/),
      ]);
    });

    describe("that is adopted", () => {
      beforeAll(async () => {
        // Behind the copy that was made: found by the last difference alone.
        await sessions.ana.createChat("What Ana asked later");
        await fleet.endHolds();
        const list = await fleet.driver.operate("operations", ["list", tenant, "--open", "--json"]);
        operation = JSON.parse(list.stdout).operations[0].id;
        await fleet.driver.operate("operations", ["resume", operation]);
      });

      it("lets people go on with the session they had, and finds all that they made", async () => {
        const there = fleet.tenant(tenant);
        expect(await opened(sessions.ben.at(there))).toEqual([sessions.chat]);
        expect((await sessions.ben.at(there).fileContent(sessions.file)).toString()).toBe(
          "what Ben uploaded",
        );
        const titles = (await sessions.ana.at(there).chats()).map(({ title }) => title);
        expect(titles.sort()).toEqual(["What Ana asked", "What Ana asked later"]);
      });

      it("has every row as the source left it, which is stopped and stays so", async () => {
        expect(await rowHashes(join(home, "data"))).toEqual(await rowHashes(await source.data()));
        expect(await source.state()).toMatchObject({ running: false, restart: "no" });
      });

      it("is followed by a replica that is equal, and nobody else was touched", async () => {
        expect(await fleet.syncUntil(tenant, "success")).toMatchObject({ replica: { equal: true } });
        expect(await fleet.replica.chat(tenant, sessions.chat)).toMatchObject({ title: "What Ben asked" });
        expect(await fleet.snapshotBeside(tenant)).toEqual(others);
      });

      it("leaves nothing to apply", async () => {
        expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
      });

      it("is the fleet's once that is confirmed", async () => {
        await adopt(["--confirm"]);
        const refused = await adopt(["--rollback", "--yes"], { mayFail: true });
        expect([refused.code, refused.stderr]).toEqual([
          1,
          expect.stringContaining("No adoption of newcomer is open"),
        ]);
        expect(readdirSync(home).filter((name) => /adopt|before|rehearsal/.test(name))).toEqual([]);
      });
    });
  });
