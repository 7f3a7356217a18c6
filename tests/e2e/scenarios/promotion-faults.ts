import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandOptions } from "../../support/fleet/command.ts";
import { DyingCommands, type Moment } from "../../support/fleet/dying-command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { Promoted } from "../../support/fleet/promoted.ts";
import { StepGate } from "../../support/fleet/step-gate.ts";
import { TenantProof } from "../../support/fleet/tenant-proof.ts";
import { until } from "../../support/fleet/until.ts";

/** Promotions to a Postgres whose command dies at every step, whose Postgres dies, and that others come between. */
export const promotionFaults = (fleet: Fleet) =>
  describe("promotions, and what comes between", () => {
    const promoted = new Promoted(fleet.engine);
    const environment = { PGPASSWORD: promoted.password };
    const dying = new DyingCommands(fleet, "acme", environment);
    const container = fleet.name("tenant-acme");
    let proof: TenantProof;
    /** What its SQLite file holds. */
    let chats: string[];
    let contents: string;
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;

    const promote = (flags: string[], options: CommandOptions = {}) =>
      fleet.driver.operate("promote", ["acme", ...flags], { mayFail: true, environment, ...options });
    // What an attempt before it has filled is left in the target.
    const begin = (options?: CommandOptions) => promote(["--to", promoted.url, "--force", "--yes"], options);
    const rollback = (options?: CommandOptions) =>
      promote(["--rollback", "--yes", "--accept-losses"], options);
    const resume = (id: string, password?: string) =>
      fleet.driver.operate("operations", ["resume", id], {
        mayFail: true,
        environment: password === undefined ? {} : { PGPASSWORD: password },
      });
    const written = () => readFileSync(fleet.file.path, "utf8");

    /** Nobody but acme was disturbed; what backs tenants up has a way to the Postgres for as long as one works on it. */
    const beside = async () => {
      const {
        [fleet.name("promoted-database")]: _,
        [fleet.name("backup")]: __,
        ...rest
      } = await fleet.snapshotBeside("acme");
      return rest;
    };
    const onSqlite = async () => {
      await proof.serves();
      await proof.isWhole(contents, chats);
      expect(written()).not.toContain("kind: postgres");
      expect(await beside()).toEqual(others);
    };
    const onPostgres = async () => {
      await proof.serves();
      expect(await proof.chats()).toEqual(chats);
      expect(await proof.contentsOn(promoted)).toBe(contents);
      expect(proof.contents()).toBe(contents);
      const { stdout } = await fleet.driver.operate("operations", ["list", "acme", "--open", "--json"]);
      expect(JSON.parse(stdout).operations).toMatchObject([{ kind: "promote", status: "stopped", done: 8 }]);
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
      expect(await beside()).toEqual(others);
    };
    const works = (done: Awaited<ReturnType<typeof begin>>) =>
      expect([done.code, done.stderr]).toEqual([0, done.stderr]);
    const back = async () => {
      works(await rollback());
      await onSqlite();
    };

    const state = async () => {
      const { stdout } = await fleet.engine.docker(
        [
          "container",
          "inspect",
          "--format",
          "{{.ID}} {{.State.Running}} {{.RestartCount}} {{with .State.Health}}{{.Status}}{{end}}",
          container,
        ],
        { mayFail: true },
      );
      const [id = "", running, restarts, health] = stdout.trim().split(" ");
      return { id, running: running === "true", restarts: Number(restarts), health };
    };
    /** A container other than this one was started, and does not answer yet. */
    const starts = async () => {
      const { id: before } = await state();
      return async () => {
        const { id, health } = await state();
        return id !== "" && id !== before && health === "starting";
      };
    };
    const healthy = () => until("acme to answer", async () => (await state()).health === "healthy", 120);

    beforeAll(async () => {
      await promoted.startDatabase();
      proof = await TenantProof.of(fleet, "acme");
      // Not again where a fleet is taken up.
      if ((await proof.chats()).length === 0) {
        for (const title of ["One", "Two", 'it\'s "three" $(x)']) await proof.session.createChat(title);
        expect((await proof.session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      }
      chats = await proof.chats();
      contents = proof.contents();
      others = await beside();
    });
    afterAll(() => promoted[Symbol.asyncDispose]());

    it("a promotion that dies at every step is finished by whoever takes it on, and loses nothing", async () => {
      const running = await fleet.snapshot();
      const schema = async () => (await fleet.engine.containers()).some((name) => name.includes("schema"));
      const left = await dying.dieAt(
        [
          { step: "look" },
          { step: "rehearse", seen: schema },
          ...["rehearse", "ask", "stop", "sync", "fill"].map((step) => ({ step })),
          { step: "switch", seen: () => written().includes("kind: postgres") },
          { step: "switch", seen: await starts() },
          ...["switch", "gate"].map((step) => ({ step })),
        ],
        begin,
        async ({ step }: Moment) => {
          expect(proof.contents()).toBe(contents);
          // Until its stop nobody notices a death.
          if (!["look", "rehearse", "ask"].includes(step)) return;
          await proof.serves();
          expect(await fleet.snapshot()).toMatchObject(running);
        },
      );
      await dying.end("resume", left);
      await onPostgres();
    });

    it("a way back that dies at every step is gone on with, and what was written since stays in the Postgres", async () => {
      const since = await proof.session.createChat("Written on Postgres");
      const left = await dying.dieAt(
        [
          { step: "gate" },
          { step: "switch", seen: () => !written().includes("kind: postgres") },
          { step: "switch", seen: await starts() },
          ...["switch", "fill", "stop", "look"].map((step) => ({ step })),
        ].map((moment) => ({ ...moment, undone: true as const })),
        rollback,
        async () => expect(proof.contents()).toBe(contents),
      );
      await dying.end("abort", left);
      await onSqlite();
      expect(await promoted.query("SELECT title FROM chat WHERE id = $1", [since])).toEqual([
        { title: "Written on Postgres" },
      ]);
    });

    it.each(["rehearse", "stop", "sync", "fill"])(
      "one that died behind %s is taken back by a word",
      async (step) => {
        const left = await dying.dieAt([{ step }], begin);
        await dying.end("abort", left);
        await onSqlite();
      },
    );

    it("one that died between the databases is taken back, and so is a way back that died at once", async () => {
      const edited = () => written().includes("kind: postgres");
      const left = await dying.dieAt([{ step: "switch", seen: edited }], begin);
      const taken = new AbortController();
      const takingBack = rollback({ killed: taken.signal });
      await until("the edit to be taken back", () => !edited());
      taken.abort();
      await takingBack;
      await fleet.endHolds();
      await dying.end("abort", left);
      await onSqlite();
    });

    it("one whose application served before anybody knew is not taken back by a word, nor for a wrong password", async () => {
      const left = await dying.dieAt([{ step: "switch" }], begin);
      const wish = await fleet.driver.operate("operations", ["abort", left.id], { mayFail: true });
      expect([wish.code, wish.stderr]).toEqual([
        1,
        expect.stringContaining("npx fleet promote acme --rollback"),
      ]);
      const { id } = await state();
      const wrong = await resume(left.id, "another password");
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("PGPASSWORD")]);
      expect((await state()).id).toBe(id);
      // That it ended once since says nothing of whether it starts now.
      process.kill((await fleet.engine.container(container)).pid, "SIGKILL");
      await until("acme to be started again", async () => (await state()).restarts === 1);
      await healthy();
      works(await resume(left.id, promoted.password));
      await onPostgres();
      await back();
    });

    it("one that is taken on without its password, or with another, waits for the right one", async () => {
      const left = await dying.dieAt([{ step: "sync" }], begin);
      for (const password of [undefined, "another password"]) {
        const refused = await resume(left.id, password);
        expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("PGPASSWORD")]);
        expect(refused.stderr).toContain(`npx fleet operations resume ${left.id}`);
      }
      works(await resume(left.id, promoted.password));
      await onPostgres();
      await back();
    });

    it("one with a wrong password touches nothing", async () => {
      const running = await fleet.snapshot();
      const refused = await begin({ environment: { PGPASSWORD: "another password" } });
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("PGPASSWORD")]);
      expect(refused.stderr + refused.stdout).not.toContain("another password");
      expect(await fleet.snapshot()).toEqual(running);
      await onSqlite();
    });

    it.each([
      ["its last sync", { step: "fill" }],
      ["its filling", { step: "switch", seen: () => true }],
    ])("what users wrote since, where somebody started it behind %s, is not lost", async (behind, moment) => {
      const left = await dying.dieAt([moment], begin);
      await fleet.engine.docker(["start", container]);
      await healthy();
      const since = await proof.session.createChat(`Written behind ${behind}`);
      await fleet.engine.docker(["stop", container]);
      const taken = await resume(left.id, promoted.password);
      expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining("somebody started it")]);
      chats = [...chats, since].sort();
      contents = proof.contents();
      await onSqlite();
    });

    describe("whose Postgres", () => {
      /** Goes on until its filling waits for a lock, and answers how it ended once `meanwhile` was done. */
      const whileFilled = async (
        meanwhile: (end: () => ReturnType<typeof begin>) => Promise<Awaited<ReturnType<typeof begin>>>,
      ) => {
        await using gate = await StepGate.of(fleet.replica, "acme");
        await gate.close("sync");
        const running = begin();
        await gate.reached();
        await using _ = await promoted.lock("chat");
        await gate.open();
        await until("the filling to wait", () => promoted.isWaitedFor(), 120);
        return await meanwhile(() => running);
      };
      const takenBack = async ({ code, stderr, stdout }: Awaited<ReturnType<typeof begin>>, why: RegExp) => {
        expect([code, stderr]).toEqual([1, expect.stringMatching(why)]);
        expect(stderr).toContain("Everything is as it was before");
        expect(stderr + stdout).not.toContain(promoted.password);
        await onSqlite();
      };

      it("dies while it is filled: taken back", async () => {
        const failed = await whileFilled(async (end) => {
          await promoted.kill();
          return await end();
        });
        await takenBack(failed, /The target \S+ was lost/);
        await promoted.startAgain();
      });

      it("cannot be heard any more while it is filled: taken back", async () => {
        const failed = await whileFilled((end) => promoted.silent(end));
        await takenBack(failed, /The target \S+ was lost/);
      });

      it("dies while the application starts on it: taken back", async () => {
        const started = await starts();
        const running = begin();
        await until("acme to start on Postgres", started, 240);
        await promoted.kill();
        await takenBack(await running, /taken back: /);
        await promoted.startAgain();
      });

      it("dies before the word is given: served again once it is back, and a way back does not need it", async () => {
        works(await begin());
        await promoted.kill();
        const asked = await promote(["--rollback", "--yes"]);
        expect([asked.code, asked.stderr]).toEqual([
          1,
          expect.stringMatching(/cannot be told: The target .* cannot be asked/),
        ]);
        await promoted.startAgain();
        await until("acme to serve on Postgres again", () => proof.serves().then(() => true));
        await onPostgres();
        await promoted.kill();
        await back();
        await promoted.startAgain();
      });
    });

    it("another operation is refused with who works on the tenant, and whoever has it aborted is believed", async () => {
      await using gate = await StepGate.of(fleet.replica, "acme");
      const first = begin();
      const { id } = await until("the promotion to be begun", () => gate.operation());
      for (const [command = "", ...args] of [
        ["promote", "acme", "--to", promoted.url, "--force", "--yes"],
        ["upgrade", "acme", "--to", "v0.12.4", "--yes"],
        ["operations", "resume", id],
      ]) {
        const refused = await fleet.driver.operate(command, args, { mayFail: true, environment });
        expect([refused.code, refused.stderr]).toEqual([4, expect.stringMatching(/process \d+ works on it/)]);
      }
      const { stdout } = await fleet.driver.operate("operations", ["abort", id]);
      expect(stdout).toMatch(/works on it, and takes it back once the step at hand has ended/);
      const aborted = await first;
      expect([aborted.code, aborted.stderr]).toEqual([1, expect.stringMatching(/was taken back/)]);
      await onSqlite();
    });
  });

/** Nothing leads back from there: the last of all. */
export const confirmationFaults = (fleet: Fleet) =>
  describe("the word that confirms a promotion", () => {
    const promoted = new Promoted(fleet.engine);
    const environment = { PGPASSWORD: promoted.password };
    const promote = (flags: string[], options: CommandOptions = {}) =>
      fleet.driver.operate("promote", ["acme", ...flags], { environment, ...options });

    beforeAll(() => promoted.startDatabase());
    afterAll(() => promoted[Symbol.asyncDispose]());

    it("is given again where it died, and nothing takes it back", async () => {
      const proof = await TenantProof.of(fleet, "acme");
      const [chats, contents] = [await proof.chats(), proof.contents()];
      await promote(["--to", promoted.url, "--yes"]);
      const { id } = await new DyingCommands(fleet, "acme").dieAt([{ step: "confirm" }], (options) =>
        promote(["--confirm"], options),
      );
      await promote(["--confirm"]);
      for (const undo of [
        ["operations", "abort", id],
        ["promote", "acme", "--rollback", "--yes", "--accept-losses"],
      ]) {
        const [command = "", ...args] = undo;
        const refused = await fleet.driver.operate(command, args, { environment, mayFail: true });
        expect([refused.code, refused.stderr]).toEqual([expect.any(Number), expect.stringMatching(/ended/)]);
        expect(refused.code).not.toBe(0);
      }
      await proof.serves();
      expect(await proof.chats()).toEqual(chats);
      expect(await proof.contentsOn(promoted)).toBe(contents);
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
    });
  });
