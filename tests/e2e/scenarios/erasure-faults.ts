import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificate } from "../../../fleet/erasure/certificate.ts";
import { type CommandOptions, type Outcome, run } from "../../support/fleet/command.ts";
import { DyingCommands, type Moment } from "../../support/fleet/dying-command.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { entryOf } from "../../support/fleet/stack-file.ts";
import { StepGate } from "../../support/fleet/step-gate.ts";
import { TenantProof } from "../../support/fleet/tenant-proof.ts";
import { until } from "../../support/fleet/until.ts";

/** Retirements and erasures whose command dies at every step, that others come between, and that others die beside. */
export const erasureFaults = (fleet: Fleet) =>
  describe("the end of a tenant, and what comes between", () => {
    // No other's name begins so, and nothing else is called so.
    const tenant = "departing";
    const dying = new DyingCommands(fleet, tenant);
    const home = join(fleet.root, "tenants", tenant);
    const container = fleet.name(`tenant-${tenant}`);
    let proof: TenantProof;
    let chats: string[];
    let contents: string;
    let others: Awaited<ReturnType<Fleet["snapshot"]>>;

    const operate = (command: string, args: string[], options: CommandOptions = {}) =>
      fleet.driver.operate(command, args, { mayFail: true, input: "", ...options });
    const retire = (options?: CommandOptions) => operate("retire", [tenant, "--yes"], options);
    const erase = (options?: CommandOptions) =>
      operate("erase", [tenant, "--yes", "--confirm", tenant, "--json"], options);

    const hasEntry = () => readFileSync(fleet.file.path, "utf8").includes(`${tenant}:`);
    const entryGone = () => !hasEntry();
    const containerGone = async () => !(await fleet.engine.containers()).includes(container);

    /** A tenant with chats, an upload and a backup. */
    const arrives = async () => {
      await fleet.file.setTenant(tenant, entryOf(tenant));
      await fleet.up();
      proof = await TenantProof.of(fleet, tenant);
      for (const title of ["One", 'it\'s "two" $(x)']) await proof.session.createChat(title);
      expect((await proof.session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      await fleet.driver.operate("backup", ["run", tenant]);
      await fleet.syncUntil(tenant, "success");
      chats = await proof.chats();
      contents = proof.contents();
      others = await fleet.snapshotBeside(tenant);
    };
    const stands = async () => {
      await proof.isWhole(contents, chats);
      expect(await fleet.snapshotBeside(tenant)).toEqual(others);
    };
    /** Nobody reaches it, and all of it is there. */
    const isRetired = async () => {
      expect(await fleet.snapshot()).toEqual(others);
      expect(await fleet.engine.networks()).not.toContain(container);
      await expect(fleet.tenant(tenant).get("/health")).rejects.toThrow(/socket hang up/);
      expect(proof.contents()).toBe(contents);
      expect(existsSync(join(fleet.backups, tenant, "config"))).toBe(true);
      const [{ state, rows } = {}] = await fleet.replica.query(
        `SELECT state, (SELECT count(*)::int FROM tenant_${tenant}.chat) AS rows
         FROM sync_metadata.client_deployments WHERE id = $1`,
        [tenant],
      );
      expect([state, rows]).toEqual(["retired", chats.length]);
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
    };
    /** Behind those it had, which can all be read. */
    const backupsGoOn = async () => {
      const list = async () =>
        JSON.parse((await fleet.driver.operate("backup", ["list", tenant, "--json"])).stdout)[tenant].length;
      const had = await list();
      expect(had).toBeGreaterThan(0);
      await fleet.driver.operate("backup", ["run", tenant]);
      expect(await list()).toBe(had + 1);
      await fleet.driver.operate("backup", ["check", tenant, "--data"]);
    };
    /** Who died runs again, nobody else was disturbed. */
    const restarted = async (...roles: string[]) => {
      const now = await fleet.snapshotBeside(tenant);
      for (const name of roles.map((role) => fleet.name(role))) {
        expect(now[name]?.startedAt).not.toBe(others[name]?.startedAt);
        others = { ...others, [name]: now[name] as (typeof now)[string] };
      }
    };
    /** Paths with its name below the fleet's home, but for certificates. */
    const named = (): string[] =>
      readdirSync(fleet.home, { recursive: true, encoding: "utf8" }).filter(
        (path) => path.includes(tenant) && !path.includes("/erasures/"),
      );
    /** Files of the stack's state, former ones too, that have more of it than that it has left. */
    const statesOfIt = async () => {
      const folder = join(fleet.home, "state");
      const words = `[:/@]${tenant}|${tenant}[.-]`;
      const { stdout } = await run(["grep", "-rlE", words, folder], { mayFail: true });
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((path) => relative(folder, path));
    };
    const nothingIsLeft = async () => {
      expect(await fleet.snapshot()).toEqual(others);
      expect(await fleet.engine.networks()).not.toContain(container);
      expect(await fleet.engine.images(`*${tenant}*`)).toEqual([]);
      expect([named(), await statesOfIt(), hasEntry()]).toEqual([[], [], false]);
      expect(existsSync(join(fleet.backups, tenant))).toBe(false);
      await expect(fleet.tenant(tenant).get("/health")).rejects.toThrow(/socket hang up/);
      const [left] = await fleet.replica.query(
        "SELECT to_regnamespace($1) AS schema, state FROM sync_metadata.client_deployments WHERE id = $2",
        [`tenant_${tenant}`, tenant],
      );
      expect(left).toEqual({ schema: null, state: "erased" });
      expect((await fleet.driver.preview()).stdout).toMatch(/nothing would change/i);
    };
    /** The certificate says so, is genuine, and a second erasure finds nothing. */
    const isCertified = async (operation: string) => {
      const file = join(fleet.home, "stacks", fleet.stack, "erasures", `${tenant}-${operation}.html`);
      const verified = await fleet.driver.operate("erase", ["--verify", file]);
      expect(verified.stdout).toContain(`the key of stack ${fleet.stack}`);
      const statement = readCertificate(readFileSync(file, "utf8"))?.statement;
      expect(statement).toMatchObject({
        tenant,
        operation,
        identity: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      // What was there is told as it was before anybody died.
      expect(statement?.things.map(({ found }) => found).join()).toMatch(
        /\d+ resources.*1 directory.*1 backups.*tables/,
      );
      expect(JSON.parse((await erase()).stdout)).toMatchObject({ outcome: "nothing", operation: null });
    };

    beforeAll(async () => {
      await fleet.file.setBackups(fleet.backups);
      await arrives();
    });
    afterAll(() => fleet.file.removeTenant(tenant));

    describe("a retirement", () => {
      it("that dies at every step is finished by whoever takes it on", async () => {
        const left = await dying.dieAt(
          [
            { step: "keep" },
            { step: "leave", seen: entryGone },
            { step: "leave", seen: containerGone },
            { step: "leave" },
          ],
          retire,
          async ({ step }) => {
            expect(proof.contents()).toBe(contents);
            if (step === "keep") await proof.serves();
          },
        );
        await dying.end("resume", left);
        await isRetired();
      });

      it("that is done says so, and is brought back although that dies, too", async () => {
        const again = await operate("retire", [tenant, "--yes", "--json"]);
        expect(JSON.parse(again.stdout)).toMatchObject({ changed: false });
        const death = new AbortController();
        const undone = operate("retire", [tenant, "--undo"], { killed: death.signal });
        await until("its entry to be back", hasEntry);
        death.abort();
        await undone;
        expect((await operate("retire", [tenant, "--undo"])).stdout).toContain("is back");
        await stands();
        await backupsGoOn();
      });

      it.each([
        ["by an abort", (id: string) => fleet.driver.operate("operations", ["abort", id])],
        ["by --undo", () => fleet.driver.operate("retire", [tenant, "--undo"])],
      ])("that died is taken back %s", async (_, back) => {
        const { id } = await dying.dieAt([{ step: "leave", seen: containerGone }], retire);
        await back(id);
        await stands();
      });
    });

    describe("an erasure", () => {
      it("keeps everything else from the tenant, and whoever has it aborted is believed", async () => {
        let pid = 0;
        let id: string;
        let running: Promise<Outcome>;
        {
          await using gate = await StepGate.of(fleet.replica, tenant);
          await gate.close("wait");
          const alone = new AbortController().signal;
          running = erase({
            killed: alone,
            started: (began) => {
              pid = began;
            },
          });
          await gate.reached();
          ({ id } = (await gate.operation()) as { id: string });
          // It stands still before it looks, and has the tenant.
          process.kill(-pid, "SIGSTOP");
        }
        try {
          for (const [command = "", ...args] of [
            ["retire", tenant, "--yes"],
            ["erase", tenant, "--yes", "--confirm", tenant],
            ["upgrade", tenant, "--to", "v0.12.4", "--yes"],
            ["operations", "resume", id],
          ]) {
            const refused = await operate(command, args);
            expect([refused.code, refused.stderr]).toEqual([
              4,
              expect.stringMatching(/process \d+ works on it/),
            ]);
          }
          await fleet.driver.operate("operations", ["abort", id]);
        } finally {
          process.kill(-pid, "SIGCONT");
        }
        const aborted = await running;
        expect([aborted.code, aborted.stderr]).toEqual([1, expect.stringMatching(/was aborted/)]);
        await stands();
      });

      it("that died before it touched anything is taken back", async () => {
        await dying.end("abort", await dying.dieAt([{ step: "look" }], erase));
        await stands();
      });

      it("that dies at every step is finished by whoever takes it on, and leaves nothing", async () => {
        const undone = async ({ step }: Moment, { id, done }: { id: string; done: number }) => {
          if (done < 2) return proof.serves();
          const refused = await operate("operations", ["abort", id]);
          expect([step, refused.code, refused.stderr]).toEqual([
            step,
            1,
            expect.stringMatching(/past where it can be taken back.*remedy: Finish it.*resume \d+/s),
          ]);
        };
        const left = await dying.dieAt(
          [
            ...["wait", "look"].map((step) => ({ step })),
            { step: "leave", seen: entryGone },
            { step: "leave", seen: containerGone },
            { step: "leave" },
            { step: "hosts", seen: () => !existsSync(join(home, "data/webui.db")) },
            ...["hosts", "replica", "state", "backups", "certificate"].map((step) => ({ step })),
          ],
          erase,
          undone,
        );
        await dying.end("resume", left);
        await nothingIsLeft();
        await isCertified(left.id);
      });

      it("of a tenant that was retired by a command that died goes through although all that it asks die", async () => {
        await arrives();
        await dying.dieAt([{ step: "leave", seen: containerGone }], retire);
        expect((await retire()).stdout).toContain("is retired");
        await isRetired();
        const kill = async (...roles: string[]) => {
          // Not by the engine, which would take it for a wish to stop them.
          for (const role of roles)
            process.kill((await fleet.engine.container(fleet.name(role))).pid, "SIGKILL");
        };
        await using gate = await StepGate.of(fleet.replica, tenant);
        await gate.close("look");
        const running = erase();
        for (const [step, next, roles] of [
          ["look", "leave", ["node-a", "node-b"]],
          ["leave", "hosts", ["agent"]],
          ["hosts", "state", ["postgres"]],
        ] as const) {
          await gate.reached();
          expect(await gate.operation()).toMatchObject({ done: expect.any(Number), status: "running" });
          await kill(...roles);
          await until(`the gate behind ${step} to be opened`, () => gate.close(next).then(() => true));
        }
        await until("the last gate to be opened", () => gate.open().then(() => true));
        const done = await running;
        expect([done.code, done.stderr]).toEqual([0, done.stderr]);
        await restarted("node-a", "node-b", "agent", "postgres");
        await nothingIsLeft();
        await isCertified(JSON.parse(done.stdout).operation);
      });

      it("is stopped by a Postgres that dies while it erases, says so, and goes on", async () => {
        await arrives();
        await using gate = await StepGate.of(fleet.replica, tenant);
        await gate.close("hosts");
        const running = erase();
        await gate.reached();
        const held = fleet.replica
          .query(`BEGIN; LOCK TABLE tenant_${tenant}.chat; SELECT pg_sleep(600)`)
          .catch(() => {});
        await until("the table to be held", () =>
          fleet.replica
            .query(
              "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = $1::regclass",
              [`tenant_${tenant}.chat`],
            )
            .then(({ length }) => length > 0),
        );
        await gate.open();
        await until("the erasure to wait for it", () =>
          fleet.replica
            .query("SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass", [
              `tenant_${tenant}.chat`,
            ])
            .then(({ length }) => length > 0),
        );
        process.kill((await fleet.engine.container(fleet.name("postgres"))).pid, "SIGKILL");
        await held;
        const stopped = await running;
        expect([stopped.code, stopped.stderr]).toEqual([
          1,
          expect.stringMatching(/stopped at replica: .*database.*operations resume/s),
        ]);
        const { id } = (await until("Postgres to be back", () => gate.operation())) as { id: string };
        await fleet.driver.operate("operations", ["resume", id]);
        await restarted("postgres");
        await nothingIsLeft();
        await isCertified(id);
      });
    });
  });
