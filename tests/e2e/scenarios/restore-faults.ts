import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CommandOptions } from "../../support/fleet/command.ts";
import { DyingCommands, type Moment } from "../../support/fleet/dying-command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { fillDisk } from "../../support/fleet/full-disk.ts";
import { StepGate } from "../../support/fleet/step-gate.ts";
import { TenantProof } from "../../support/fleet/tenant-proof.ts";
import { until } from "../../support/fleet/until.ts";

/** Restores from a backup whose command dies at every step, and backups that cannot be read. */
export const restoreFaults = (fleet: Fleet) =>
  describe("restores, and what comes between", () => {
    const dying = new DyingCommands(fleet, "acme");
    const container = fleet.name("tenant-acme");
    let proof: TenantProof;
    /** What the backup holds, and what was written since. */
    let [before, since] = [
      { chats: [""], contents: "" },
      { chats: [""], contents: "" },
    ];
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;

    const restore = (options: CommandOptions = { mayFail: true }) =>
      fleet.driver.operate("restore", ["acme", "--from", "backup", "--yes"], options);
    const now = async () => ({ chats: await proof.chats(), contents: proof.contents() });
    const stands = async ({ chats, contents }: typeof before) => {
      await proof.isWhole(contents, chats);
      expect(await fleet.snapshotBeside("acme")).toEqual(others);
    };
    /** Written behind the backup: lost to a restore, and to nothing else. */
    const written = async (title: string) => {
      await proof.session.createChat(title);
      since = await now();
    };
    /** Until it is stopped nobody notices a death. */
    const undisturbed =
      (running: Awaited<ReturnType<Fleet["snapshot"]>>) =>
      async ({ step }: Moment) => {
        if (["stop", "swap", "start", "replica"].includes(step)) return;
        await proof.serves();
        expect(proof.contents()).toBe(since.contents);
        expect(await fleet.snapshot()).toMatchObject(running);
      };
    const runs = (part: string) => async () =>
      (await fleet.engine.containers()).some((name) => name.includes(part));
    const running = async () => (await fleet.engine.container(container)).running;

    beforeAll(async () => {
      await fleet.file.setBackups(fleet.backups);
      await fleet.up();
      proof = await TenantProof.of(fleet, "acme");
      for (const title of ["Kept", "Kept as well", 'it\'s "three" $(x)'])
        await proof.session.createChat(title);
      expect((await proof.session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      before = await now();
      await fleet.driver.operate("backup", ["run", "acme"]);
      await written("Written since");
      others = await fleet.snapshotBeside("acme");
    });

    it("a restore that dies at every step is finished by whoever takes it on", async () => {
      const left = await dying.dieAt(
        [
          { step: "look" },
          { step: "fetch", seen: runs("backup-helper") },
          ...["fetch", "verify"].map((step) => ({ step })),
          { step: "rehearse", seen: runs("scratch-restore") },
          ...["rehearse", "stop", "swap"].map((step) => ({ step })),
          { step: "start", seen: running },
          ...["start", "replica"].map((step) => ({ step })),
        ],
        restore,
        undisturbed(await fleet.snapshot()),
      );
      await dying.end("resume", left);
      await stands(before);
      expect(proof.contents(`data.before-${left.id}`)).toBe(since.contents);
    });

    it.each(["stop", "swap", "start"])(
      "one that died behind %s is taken back, with what was written since",
      async (step) => {
        await written(`Written before ${step}`);
        const left = await dying.dieAt([{ step }], restore);
        await dying.end("abort", left);
        await stands(since);
      },
    );

    it("takes nothing back and nothing in where the passphrase is another", async () => {
      const file = join(fleet.root, "backup/config/passwords/acme");
      const passphrase = readFileSync(file);
      writeFileSync(file, "another passphrase");
      try {
        const running = await fleet.snapshot();
        const refused = await restore();
        expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/passphrase|password/i)]);
        expect(await fleet.snapshot()).toEqual(running);
      } finally {
        writeFileSync(file, passphrase);
      }
      await stands(since);
    });

    it("takes nothing in where a pack's bytes are not those that were written", async () => {
      const folder = join(fleet.backups, "acme/data");
      const packs = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile());
      const whole = new Map(packs.map((path) => [path, readFileSync(path)]));
      // The largest holds the database.
      const [largest = ""] = packs.sort((a, b) => statSync(b).size - statSync(a).size);
      const flipped = Buffer.from(whole.get(largest) as Buffer);
      for (let place = 100; place < flipped.length; place += 4096)
        flipped[place] = (flipped[place] as number) ^ 1;
      writeFileSync(largest, flipped);
      try {
        const running = await fleet.snapshot();
        const failed = await restore();
        expect([failed.code, failed.stderr]).toEqual([1, expect.stringMatching(/taken back/)]);
        expect(await fleet.snapshot()).toEqual(running);
      } finally {
        for (const [path, bytes] of whole) writeFileSync(path, bytes);
      }
      await stands(since);
    });

    it("another operation is refused with who works on the tenant, and whoever has it aborted is believed", async () => {
      await using gate = await StepGate.of(fleet.replica, "acme");
      const first = restore();
      const { id } = await until("the restore to be begun", () => gate.operation());
      for (const [command = "", ...args] of [
        ["restore", "acme", "--from", "backup", "--yes"],
        ["upgrade", "acme", "--to", "v0.12.4", "--yes"],
        ["operations", "resume", id],
      ]) {
        const refused = await fleet.driver.operate(command, args, { mayFail: true });
        expect([refused.code, refused.stderr]).toEqual([4, expect.stringMatching(/process \d+ works on it/)]);
      }
      await fleet.driver.operate("operations", ["abort", id]);
      const aborted = await first;
      expect([aborted.code, aborted.stderr]).toEqual([1, expect.stringMatching(/was aborted/)]);
      await stands(since);
    });

    it.each([
      ["both nodes", ["node-a", "node-b"]],
      ["the Postgres that records it", ["postgres"]],
      ["the agent of its host", ["agent"]],
    ])("a restore goes through although %s died while a step was being recorded", async (_, roles) => {
      const names = roles.map((role) => fleet.name(role));
      await using gate = await StepGate.of(fleet.replica, "acme");
      await gate.close("verify");
      const running = restore();
      await gate.reached();
      // Not by the engine, which would take it for a wish to stop them.
      for (const name of names) process.kill((await fleet.engine.container(name)).pid, "SIGKILL");
      await until("Postgres to open the gate", () => gate.open().then(() => true));
      const done = await running;
      expect([done.code, done.stderr]).toEqual([0, done.stderr]);
      const now = await fleet.snapshotBeside("acme");
      for (const name of names) {
        expect(now[name]?.startedAt).not.toBe(others[name]?.startedAt);
        others = { ...others, [name]: now[name] as (typeof now)[string] };
      }
      await stands(before);
    });

    it("a disk that fills up while the backup is tried takes it back", async () => {
      // Globex has the small disk; its own backup comes into its own place.
      const small = await TenantProof.of(fleet, "globex");
      await small.session.createChat("Kept on the small disk");
      await fleet.driver.operate("backup", ["run", "globex"]);
      await small.session.createChat("Written since, on the small disk");
      const [chats, contents] = [await small.chats(), small.contents()];
      let makeRoom = () => {};
      await using gate = await StepGate.of(fleet.replica, "globex");
      await gate.close("verify");
      const running = fleet.driver.operate("restore", ["globex", "--from", "backup", "--yes"], {
        mayFail: true,
      });
      try {
        await gate.reached();
        makeRoom = fillDisk(small.home, 100_000);
        await gate.open();
        const failed = await running;
        expect([failed.code, failed.stderr]).toEqual([
          1,
          expect.stringMatching(/MiB left, and a copy to try takes/),
        ]);
      } finally {
        makeRoom();
      }
      await small.isWhole(contents, chats);
    });
  });
