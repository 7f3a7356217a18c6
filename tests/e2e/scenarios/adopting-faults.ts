import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrival, opened, upstream } from "../../support/fleet/arrival.ts";
import { DyingCommands } from "../../support/fleet/dying-command.ts";
import { failingVersion, makeFailingVersion } from "../../support/fleet/failing-version.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { OwnWebui, rowHashes } from "../../support/fleet/own-webui.ts";

/** Where each step is killed: as soon as it says what it does, or when it is done and that is not recorded. */
const kills: readonly [string, RegExp][] = [
  ["copy", /… copy +beside/],
  ["rehearse", /… rehearse/],
  ["stop", /… stop/],
  ["finish", /… finish/],
  ["place", /✓ place/],
  ["serve", /… serve/],
  ["check", /✓ check/],
];

/** A fork's deployment with a look of its own; whoever adopts it is killed at every step. */
export const killedAdoption = (fleet: Fleet) =>
  describe("a fork's deployment, adopted by a command that is killed at every step", () => {
    const { tenant, home, adopt, open, takeOn, leave, client, report } = arrival(fleet, "forked");
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-fork`);
    const image = `${fleet.stack}-fork/open-webui:7`;
    const args = ["--container", source.name];
    const stylesheet = join(fleet.workspace, "custom.css");
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;

    beforeAll(async () => {
      const recipe = `FROM ${upstream}:v0.11.3\nRUN echo "a logo of its own" >/app/build/static/logo.png\n`;
      await fleet.engine.docker(["build", "--quiet", "--tag", image, "-"], { input: recipe });
      writeFileSync(stylesheet, "body { background: pink }");
      await source.start(image, ["--volume", `${stylesheet}:/app/build/static/custom.css:ro`]);
      sessions = await source.live();
      others = await fleet.snapshot();
    });
    afterAll(async () => {
      await leave();
      await source[Symbol.asyncDispose]();
      await fleet.engine.docker(["rmi", "--force", image], { mayFail: true });
    });

    it("is reported with its look, which does not come along", async () => {
      const found = await report(args);
      expect(found).toMatchObject({
        version: { source: "0.11.3", image: `${upstream}:v0.11.3` },
        static: ["static/custom.css", "static/logo.png"],
      });
      expect(found.risks.map(({ what }) => what).join()).toMatch(/files of its own.*Its image is/);
      expect(found.risks.filter(({ refused }) => refused)).toEqual([]);
    });

    it.each(kills)("goes on behind a kill -9 in %s", async (step, killAt) => {
      const killed =
        step === "copy"
          ? await adopt([...args, "--yes"], { killAt, mayFail: true })
          : await takeOn("resume", { killAt, mayFail: true });
      expect(killed.code).toBeNull();
      const { steps, done } = await open();
      // What says that it is done may be recorded before the kill reaches it.
      expect([done, done - 1].map((at) => steps[at])).toContain(step);
      // Until it is stopped, people notice nothing.
      if (["copy", "rehearse"].includes(step)) expect(await opened(sessions.ben)).toEqual(["What Ben asked"]);
      else if (step !== "stop") expect((await source.state()).running).toBe(false);
    });

    it("has everything in the end, and a look of upstream's", async () => {
      await takeOn("resume");
      expect(await opened(sessions.ben.at(client))).toEqual(["What Ben asked"]);
      expect((await sessions.ben.at(client).fileContent(sessions.file)).toString()).toBe("what Ben uploaded");
      expect(await rowHashes(join(home, "data"))).toEqual(await rowHashes(await source.data()));
      expect(await fleet.syncUntil(tenant, "success")).toMatchObject({ replica: { equal: true } });
      expect(await fleet.snapshotBeside(tenant)).toEqual(others);
      const logo = await client.get("/static/logo.png");
      expect([logo.status, logo.body.toString()]).toEqual([200, expect.not.stringContaining("of its own")]);
    });

    it("is confirmed although that was killed, too", async () => {
      const commands = new DyingCommands(fleet, tenant);
      await commands.dieAt([{ step: "confirm" }], (options) => adopt(["--confirm"], options));
      await adopt(["--confirm"]);
      expect(await open()).toBeUndefined();
      expect(readdirSync(home).filter((name) => /adopt|before|rehearsal/.test(name))).toEqual([]);
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
    });
  });

/** The same killed and taken back. */
export const abortedAdoptions = (fleet: Fleet) =>
  describe("an adoption that is killed and taken back", () => {
    const { tenant, home, adopt, takeOn, leave, config, client } = arrival(fleet, "hesitant");
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-hesitant`);
    const args = ["--container", source.name, "--yes"];
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;
    let before: {
      config: string;
      rows: Record<string, string>;
      others: Awaited<ReturnType<Fleet["snapshot"]>>;
    };

    beforeAll(async () => {
      await source.start(`${upstream}:v0.11.3`);
      sessions = await source.live();
      before = {
        config: await config(),
        rows: await rowHashes(await source.data()),
        others: await fleet.snapshot(),
      };
    });
    afterAll(async () => {
      await leave();
      await source[Symbol.asyncDispose]();
    });

    const asBefore = async () => {
      expect(await source.state()).toMatchObject({ running: true, restart: "always" });
      expect(await opened(sessions.ben)).toEqual(["What Ben asked"]);
      expect(await rowHashes(await source.data())).toEqual(before.rows);
      expect(await config()).toBe(before.config);
      expect(await fleet.snapshot()).toEqual(before.others);
      expect(existsSync(join(home, "adoption"))).toBe(false);
      expect(existsSync(join(home, "data/webui.db"))).toBe(false);
    };

    it.each(kills.filter(([step]) => ["rehearse", "stop", "place", "serve"].includes(step)))(
      "in %s has its source as it was",
      async (_, killAt) => {
        expect((await adopt(args, { killAt, mayFail: true })).code).toBeNull();
        await takeOn("abort");
        await asBefore();
      },
    );

    it("has its source as it was behind a rollback, and what was written since is kept aside", async () => {
      const { operation } = JSON.parse((await adopt([...args, "--json"])).stdout);
      await sessions.ben.at(client).createChat("Asked of the tenant");
      await adopt(["--rollback", "--yes"]);
      await asBefore();
      const aside = await rowHashes(join(home, `data.adopted-${operation}`));
      expect(aside.chat).toMatch(/^3 /);
      expect(before.rows.chat).toMatch(/^2 /);
    });

    it("is adopted again behind all that, without what was taken back", async () => {
      await adopt(args);
      await adopt(["--confirm"]);
      expect(await opened(sessions.ben.at(client))).toEqual(["What Ben asked"]);
      expect(await rowHashes(join(home, "data"))).toEqual(before.rows);
      expect(await fleet.syncUntil(tenant, "success")).toMatchObject({ replica: { equal: true } });
    });
  });

/** Versions that damage what they are given and end. */
export const failingVersions = (fleet: Fleet) =>
  describe("an adoption into a version that fails", () => {
    const { adopt, open, leave, config, home } = arrival(fleet, "unlucky");
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-unlucky`);
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;

    beforeAll(async () => {
      await source.start(`${upstream}:v0.11.3`);
      sessions = await source.live();
    });
    afterAll(async () => {
      await leave();
      await source[Symbol.asyncDispose]();
    });

    it.each([
      ["on a copy, while people go on at the source", "everywhere", /does not serve this data.*code 3/],
      [
        "where it is to serve, and the source comes back by itself",
        "live",
        /does not start on what was adopted/,
      ],
    ] as const)("fails %s", async (_, fails, said) => {
      await makeFailingVersion(fleet.engine, fails);
      const before = { config: await config(), state: await source.state() };
      const rows = await rowHashes(await source.data());
      const failed = await adopt(["--container", source.name, "--version", failingVersion(fails), "--yes"], {
        mayFail: true,
      });
      expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(said)]);
      expect(failed.stderr).toContain("was taken back");
      const { startedAt } = await source.state();
      expect(await source.state()).toMatchObject({ running: true, restart: "always" });
      if (fails === "everywhere") expect(startedAt).toBe(before.state.startedAt);
      expect(await opened(sessions.ben)).toEqual(["What Ben asked"]);
      expect(await rowHashes(await source.data())).toEqual(rows);
      expect(await config()).toBe(before.config);
      expect(await open()).toBeUndefined();
      expect(existsSync(join(home, "data/webui.db"))).toBe(false);
    });

    it("is refused at once where the database is newer than the version", async () => {
      const failed = await adopt(["--container", source.name, "--version", "v0.9.6", "--yes"], {
        mayFail: true,
      });
      expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/newer than .*v0\.9\.6/)]);
      expect((await source.state()).running).toBe(true);
    });
  });
