import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../../toolchain/setup/free-port.ts";
import { installPackages } from "../../../toolchain/setup/packages.ts";
import { arrival, opened, upstream } from "../../support/fleet/arrival.ts";
import { run } from "../../support/fleet/command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { OwnWebui, rowHashes } from "../../support/fleet/own-webui.ts";

/** A project of Compose with an Open WebUI and something else in it. */
export const composedSource = (fleet: Fleet) =>
  describe("a compose project", () => {
    const { tenant, home, adopt, leave, client, report } = arrival(fleet, "composed");
    const folder = join(fleet.workspace, `${fleet.stack}-composed`);
    const project = `${fleet.stack}-composed`;
    const source = new OwnWebui(fleet.engine, `${project}_open-webui_1`, `${project}_data`);
    const beside = `${project}_beside_1`;
    const compose = (...words: string[]) =>
      run(["docker-compose", "--project-directory", folder, ...words], { directory: folder });
    const key = "a key of $(its) own's";
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;

    beforeAll(async () => {
      await installPackages(["docker-compose"], console.log);
      const port = await freePort();
      mkdirSync(folder, { recursive: true });
      const webui = {
        image: `${upstream}:v0.9.6`,
        ports: [`127.0.0.1:${port}:8080`],
        volumes: ["data:/app/backend/data"],
        restart: "unless-stopped",
        environment: {
          ...{ WEBUI_SECRET_KEY: key.replaceAll("$", "$$$$"), OFFLINE_MODE: "true" },
          ...{ RAG_EMBEDDING_ENGINE: "openai", TAVILY_API_KEY: "tvly-a-secret-of-composed" },
        },
      };
      const other = { image: "postgres:15-bookworm", command: ["sleep", "3600"] };
      const file = {
        version: "3.3",
        services: { "open-webui": webui, beside: other },
        volumes: { data: {} },
      };
      writeFileSync(join(folder, "docker-compose.yml"), JSON.stringify(file));
      await compose("up", "--detach");
      await source.meet(port);
      sessions = await source.live();
    });
    afterAll(async () => {
      await leave();
      await compose("down", "--volumes");
    });

    it("is the same by its folder and by its name, and its Open WebUI is found in it", async () => {
      const [byFolder, byName] = [await report(["--compose", folder]), await report(["--compose", project])];
      expect({ ...byFolder, source: { ...byFolder.source, name: "" } }).toEqual({
        ...byName,
        source: { ...byName.source, name: "" },
      });
      expect(byName).toMatchObject({
        source: { kind: "compose", container: source.name, restart: "unless-stopped" },
        version: { source: "0.9.6", image: `${upstream}:v0.9.6` },
        secretKey: "variable WEBUI_SECRET_KEY",
      });
      expect(byName.risks.filter(({ refused }) => refused)).toEqual([]);
    });

    it("is adopted with its key and its secrets, none of which is written in the clear, and the rest of it goes on", async () => {
      const said = await adopt(["--compose", folder, "--yes"]);
      expect(await opened(sessions.ben.at(client))).toEqual(["What Ben asked"]);
      expect(await rowHashes(join(home, "data"))).toEqual(await rowHashes(await source.data()));
      expect(await fleet.secretFile(`tenants/${tenant}/config/webui_secret_key`)).toBe(key);
      const shown = said.stdout + said.stderr + (await readFile(fleet.file.path, "utf8"));
      expect(shown).not.toContain(key);
      expect(shown).not.toContain("tvly-");
      expect(await fleet.engine.environmentOf(fleet.name(`tenant-${tenant}`))).toMatchObject({
        TAVILY_API_KEY: "tvly-a-secret-of-composed",
      });
      expect((await source.state()).running).toBe(false);
      expect((await fleet.engine.container(beside)).running).toBe(true);
    });

    it("comes back by its rollback", async () => {
      await adopt(["--rollback", "--yes"]);
      expect(await source.state()).toMatchObject({ running: true, restart: "unless-stopped" });
      expect(await opened(sessions.ben)).toEqual(["What Ben asked"]);
    });
  });

/** What is left of an Open WebUI whose machine lost its power. */
export const leftDatabase = (fleet: Fleet) =>
  describe("a bare database that nobody closed, with its uploads", () => {
    const { tenant, home, adopt, leave, client, report } = arrival(fleet, "salvaged");
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-salvaged`);
    const folder = join(fleet.workspace, "it's left");
    const args = [
      "--file",
      join(folder, "webui.db"),
      "--uploads",
      join(folder, "uploads"),
      "--version",
      "v0.11.3",
    ];
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;
    let rows: Record<string, string>;

    beforeAll(async () => {
      await source.start(`${upstream}:v0.11.3`);
      sessions = await source.live();
      await fleet.engine.docker(["kill", "--signal", "KILL", source.name]);
      mkdirSync(folder, { recursive: true });
      const data = await source.data();
      for (const name of ["webui.db", "webui.db-wal", "uploads"])
        cpSync(join(data, name), join(folder, name), { recursive: true });
      await fleet.engine.docker([
        "cp",
        `${source.name}:/app/backend/.webui_secret_key`,
        join(folder, ".webui_secret_key"),
      ]);
      rows = await rowHashes(data);
      await source[Symbol.asyncDispose]();
    });
    afterAll(async () => {
      await leave();
      rmSync(folder, { recursive: true, force: true });
    });

    it("is reported as it is", async () => {
      const found = await report(args);
      expect(found).toMatchObject({
        source: { kind: "file", container: null, running: null },
        database: { journal: "wal", unclean: true, users: 2, chats: 2, files: 1 },
        secretKey: "a file beside the database",
        data: { uploads: 1, files: 1 },
      });
      expect(found.risks.filter(({ refused }) => refused)).toEqual([]);
    });

    it("is adopted with what its writer had committed last, sessions and files, and nothing of it was changed", async () => {
      const before = readdirSync(folder).sort();
      await adopt([...args, "--yes"]);
      await adopt(["--confirm"]);
      expect(await opened(sessions.ben.at(client))).toEqual(["What Ben asked"]);
      expect((await sessions.ben.at(client).fileContent(sessions.file)).toString()).toBe("what Ben uploaded");
      expect(await rowHashes(join(home, "data"))).toEqual(rows);
      expect(await rowHashes(folder)).toEqual(rows);
      expect(readdirSync(folder).sort()).toEqual(before);
      expect(await fleet.syncUntil(tenant, "success")).toMatchObject({ replica: { equal: true } });
    });
  });

/** The host's disk is full while it copies. */
export const fullDisk = (fleet: Fleet) =>
  describe("an adoption onto a disk that is full", () => {
    const { home, adopt, open, takeOn, leave, client } = arrival(fleet, "cramped");
    const source = new OwnWebui(fleet.engine, `${fleet.stack}-cramped`);
    const staging = join(home, "adoption");
    let sessions: Awaited<ReturnType<OwnWebui["live"]>>;

    beforeAll(async () => {
      await source.start(`${upstream}:v0.11.3`);
      sessions = await source.live();
      mkdirSync(staging, { recursive: true });
      await run(["mount", "-t", "tmpfs", "-o", "size=1m", "cramped", staging]);
    });
    afterAll(async () => {
      await run(["umount", staging], { mayFail: true });
      await leave();
      await source[Symbol.asyncDispose]();
    });

    it("stops before it has cost anybody anything, and says how much room it takes", async () => {
      const { startedAt } = await source.state();
      const stopped = await adopt(["--container", source.name, "--yes"], { mayFail: true });
      expect([stopped.code, stopped.stderr]).toEqual([
        1,
        expect.stringMatching(/stopped at copy.*takes \d+ MB more, and the host's disk has \d+ MB free/s),
      ]);
      expect((await open()).error).toContain("free");
      expect(await source.state()).toMatchObject({ running: true, startedAt });
      expect(await opened(sessions.ben)).toEqual(["What Ben asked"]);
    });

    it("goes on once there is room", async () => {
      await run(["umount", staging]);
      await takeOn("resume");
      await adopt(["--confirm"]);
      expect(await opened(sessions.ben.at(client))).toEqual(["What Ben asked"]);
      expect(await rowHashes(join(home, "data"))).toEqual(await rowHashes(await source.data()));
    });
  });
