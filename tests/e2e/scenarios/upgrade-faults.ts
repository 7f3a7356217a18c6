import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CommandOptions } from "../../support/fleet/command.ts";
import { DyingCommands, type Moment } from "../../support/fleet/dying-command.ts";
import { failingVersion, makeFailingVersion } from "../../support/fleet/failing-version.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { fillDisk } from "../../support/fleet/full-disk.ts";
import { StepGate } from "../../support/fleet/step-gate.ts";
import { TenantProof } from "../../support/fleet/tenant-proof.ts";

const [older, newer] = ["v0.9.6", "v0.11.3"];

/**
 * Upgrades and rollbacks whose command dies at every step, whose disk fills up, and that others come between. The tenant is
 * globex, whose directory is a disk of its own (small-disk.ts).
 */
export const upgradeFaults = (fleet: Fleet) =>
  describe("changes of a tenant's version, and what comes between", () => {
    const dying = new DyingCommands(fleet, "globex");
    const container = fleet.name("tenant-globex");
    const client = fleet.tenant("globex");
    let proof: TenantProof;
    let chats: string[];
    let contents: string;
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;

    const version = async () => `v${(await client.json<{ version: string }>("/api/version")).version}`;
    const upgrade = (options: CommandOptions = { mayFail: true }) =>
      fleet.driver.operate("upgrade", ["globex", "--to", newer, "--yes"], options);
    const rollback = (options: CommandOptions = { mayFail: true }) =>
      fleet.driver.operate("rollback", ["globex", "--yes"], options);
    const at = (...parts: string[]) => join(proof.home, ...parts);

    /** It runs that version, whole, and nobody else was disturbed. */
    const stands = async (wanted: string) => {
      expect(await version()).toBe(wanted);
      await proof.isWhole(contents, chats);
      expect(await fleet.snapshotBeside("globex")).toEqual(others);
    };
    /** Until the switch nobody notices a death, whatever step it meets. */
    const undisturbed =
      (running: Awaited<ReturnType<Fleet["snapshot"]>>) =>
      async ({ step }: Moment) => {
        expect(proof.contents()).toBe(contents);
        if (step === "switch" || step === "keep") return;
        await proof.serves();
        expect(await fleet.snapshot()).toMatchObject(running);
      };
    const scratchRuns = async () =>
      (await fleet.engine.containers()).some((name) => name.includes("scratch-upgrade"));
    const setAside = ({ id }: { id: string }) => existsSync(at(`data.before-${id}`, "complete"));
    /** The version that comes was started, and does not answer yet. */
    const starts = (release: string) => async () => {
      const [image] = JSON.parse(
        await fleet.engine.inspect("image", [`ghcr.io/open-webui/open-webui:${release}`]),
      );
      const { stdout } = await fleet.engine.docker(
        ["container", "inspect", "--format", "{{.Image}} {{.State.Health.Status}}", container],
        { mayFail: true },
      );
      return stdout.trim() === `${image.Id} starting`;
    };

    beforeAll(async () => {
      proof = await TenantProof.of(fleet, "globex");
      // Not again where a fleet is taken up.
      if ((await proof.chats()).length === 0) {
        for (const title of ["One", "Two", 'it\'s "three" $(x)']) await proof.session.createChat(title);
        expect((await proof.session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      }
      chats = await proof.chats();
      contents = proof.contents();
      others = await fleet.snapshotBeside("globex");
    });

    it("an upgrade that dies at every step is finished by whoever takes it on, and loses nothing", async () => {
      expect(await version()).toBe(older);
      const running = await fleet.snapshot();
      const left = await dying.dieAt(
        [
          { step: "rehearse", seen: scratchRuns },
          ...["rehearse", "ask", "prepare"].map((step) => ({ step })),
          { step: "switch", seen: setAside },
          { step: "switch", seen: starts(newer) },
          ...["switch", "keep"].map((step) => ({ step })),
        ],
        upgrade,
        undisturbed(running),
      );
      await dying.end("resume", left);
      await stands(newer);
      expect(proof.kept()).toEqual([`data.before-${left.id}`]);
    });

    it("a rollback that dies at every step is finished by whoever takes it on", async () => {
      const running = await fleet.snapshot();
      const left = await dying.dieAt(
        [
          ...["ask", "prepare"].map((step) => ({ step })),
          { step: "switch", seen: ({ id }) => existsSync(at(`data.before-${id}`)) },
          { step: "switch", seen: setAside },
          { step: "switch", seen: starts(older) },
          ...["switch", "keep"].map((step) => ({ step })),
        ],
        rollback,
        undisturbed(running),
      );
      await dying.end("resume", left);
      await stands(older);
    });

    it("an upgrade that died between the versions is taken back", async () => {
      const left = await dying.dieAt([{ step: "switch", seen: setAside }], upgrade);
      await dying.end("abort", left);
      await stands(older);
    });

    it("an upgrade that died before anybody knew that it had come is taken back, database and all", async () => {
      const left = await dying.dieAt([{ step: "switch" }], upgrade);
      expect(await version()).toBe(newer);
      await dying.end("abort", left);
      await stands(older);
      expect(proof.kept()).toContain(`data.failed-${left.id}`);
      // What the newer version said stays for whoever asks why.
      expect(readFileSync(at("upgrade.log"), "utf8")).toContain(newer);
    });

    describe("on a disk that is full", () => {
      it("an upgrade is refused before anything is touched", async () => {
        const running = await fleet.snapshot();
        const makeRoom = fillDisk(proof.home, 40_000);
        const refused = await upgrade().finally(makeRoom);
        expect([refused.code, refused.stderr]).toEqual([
          1,
          expect.stringMatching(/its disk has 3\d MiB free, and \d+ are needed/),
        ]);
        expect(await fleet.snapshot()).toEqual(running);
        await stands(older);
      });

      it("an upgrade that finds it so at its switch is taken back by itself", async () => {
        await using gate = await StepGate.of(fleet.replica, "globex");
        await gate.close("prepare");
        const running = upgrade();
        await gate.reached();
        const makeRoom = fillDisk(proof.home, 300);
        await gate.open();
        const failed = await running.finally(makeRoom);
        expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/No space left on device/)]);
        expect(failed.stderr).toContain("Everything is as it was before");
        expect(failed.stderr).not.toContain("The edit stays");
        await stands(older);
      });
    });

    it("an upgrade of all of them stops at the first that fails, and begins no other", async () => {
      const failing = await makeFailingVersion(fleet.engine, "everywhere");
      const running = await fleet.snapshot();
      const failed = await fleet.driver.operate(
        "upgrade",
        ["--all", "--to", failing, "--canary", "1", "--parallel", "2", "--yes"],
        { mayFail: true },
      );
      expect(failed.code).toBe(1);
      expect(failed.stderr).toMatch(/acme +v0\.11\.3 +FAILED[\s\S]*globex +v0\.9\.6 +not begun/);
      const [, log = ""] = /(\S+) on this host holds what it said/.exec(failed.stderr) ?? [];
      expect(readFileSync(log, "utf8")).toContain("This migration cannot go on.");
      expect(await fleet.snapshot()).toEqual(running);
      expect(readFileSync(fleet.file.path, "utf8")).not.toContain(failingVersion("everywhere"));
      await stands(older);
    });
  });
