import { beforeAll, describe, expect, it } from "vitest";
import { Mover, type Running } from "../../support/cloud/mover.ts";
import { patience, type Staging } from "../../support/cloud/staging.ts";
import type { Session } from "../../support/fleet/tenant-client.ts";
import { until } from "../../support/fleet/until.ts";
import { backupsOf } from "./backups.ts";

const [old, next] = ["fra1-a", "fra1-b"];

/** A tenant that goes to another droplet while people work with it, and what becomes of it when its operator's machine dies. */
export const move = (staging: Staging) =>
  describe("a tenant that goes to another host", () => {
    const mover = new Mover(staging, "globex");
    /** Signed in before it went; comes to the old host's address for ever. */
    let session: Session;
    let chat: string;
    let before: Record<string, string>;
    let busy: Awaited<ReturnType<Mover["operate"]>>;

    const ids = async (from: Session) => (await from.chats()).map(({ id }) => id);
    const whereItIs = async () => session.through(await staging.tenant("globex", next));

    beforeAll(async () => {
      session = await staging.signIn("globex", old);
      chat = await session.createChat("Asked before it went");
      expect((await session.uploadFile("kept.txt", Buffer.from("kept"))).status).toBe(200);
      before = await mover.contents(old);
    }, patience);

    describe("while its operator's machine loses power between stop and start", () => {
      let running: Running;

      beforeAll(async () => {
        running = await mover.goTo(next);
        await until("the move is recorded", () => mover.recorded(), 120);
        busy = await mover.operate("move", "--to", next, "--yes");
        await mover.killAt(
          running,
          "it is stopped on the old host",
          async () => (await mover.state(old)) === "exited",
        );
      }, patience);

      it("was refused to everybody else meanwhile, who was told by whom", async () => {
        expect(busy.code).toBe(4);
        const runner = (await mover.recorded())?.runner ?? "nobody";
        expect(busy.stderr).toContain(runner);
      });

      it("is on neither host, and nothing of it is lost", async () => {
        expect(await mover.runsOn(old, next)).toEqual([]);
        expect(await mover.contents(old)).toEqual(before);
      });

      it(
        "goes on where it was, once the dead one holds it no more",
        async () => {
          const { id } = (await mover.recorded()) ?? { id: "" };
          const { stderr } = await until(
            "somebody else may take it on",
            async () => {
              const outcome = await staging.driver.operate("operations", ["resume", id], { mayFail: true });
              return outcome.code !== 4 && outcome;
            },
            120,
          );
          expect((await mover.recorded())?.status, stderr).toBe("stopped");
          expect(await mover.runsOn(old, next)).toEqual([next]);
        },
        patience,
      );
    });

    describe("on its new host", () => {
      it("has every row and every file", async () => {
        expect(await mover.contents(next)).toEqual(before);
      });

      it("serves who was signed in, where its name leads now", async () => {
        expect(await ids(await whereItIs())).toContain(chat);
        const records = await staging.records();
        expect(records).toContainEqual(
          expect.objectContaining({ name: mover.domain, type: "A", content: await staging.addressOf(next) }),
        );
      });

      it("serves who still comes to the old host, over HTTP and over the WebSocket", async () => {
        expect(await ids(session)).toContain(chat);
        const socket = await session.connect();
        expect(await socket.whoAmI()).not.toBe("");
        socket.close();
        expect(await staging.plainSite(old, mover.domain)).toMatchObject({
          status: 308,
          location: `https://${mover.domain}/health`,
        });
      });

      it("is followed by its replica", async () => {
        const since = Date.now();
        await staging.driver.sync("globex");
        await staging.well(since);
      });

      it("is as it was declared: the next preview is empty", () => staging.nothingIsDue(), patience);
    });

    describe("that is confirmed", () => {
      let backedUp: string[];

      beforeAll(async () => {
        backedUp = await backupsOf(staging, "globex");
        await mover.does("move", "--confirm", "--yes");
      }, patience);

      it("left nothing on the old host, which leads nobody on", async () => {
        expect(await mover.traces(old)).toEqual([]);
        await until("nobody is led on", () =>
          staging.site(old, mover.domain).then(
            () => false,
            () => true,
          ),
        );
      });

      it("goes on being backed up, from its new host, behind the backups it had", async () => {
        await staging.driver.operate("backup", ["run", "globex"]);
        const all = await backupsOf(staging, "globex");
        expect(all).toEqual(expect.arrayContaining(backedUp));
        expect(all.length).toBeGreaterThan(backedUp.length);
      });

      it("serves on its new host, and its replica follows", async () => {
        expect(await ids(await whereItIs())).toContain(chat);
        const since = Date.now();
        await staging.driver.sync("globex");
        await staging.well(since);
      });

      it("is as it was declared: the next preview is empty", () => staging.nothingIsDue(), patience);
    });
  });
