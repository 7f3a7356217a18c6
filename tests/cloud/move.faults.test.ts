/**
 * What goes wrong while a tenant moves: power, network, memory, disk, ports. Two droplets in a fake cloud of their own, between
 * which one tenant goes to and fro; each test leaves it serving on one of them, and nothing of it on the other.
 *
 * OWUI_CLOUD_KEEP=1 leaves the fleet running and takes up the one that an earlier such run left: `-t` then chooses.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { docker } from "../../toolchain/fakes/digitalocean/docker/engine.ts";
import { dataRoot, Mover, type Running } from "../support/cloud/mover.ts";
import { patience, Staging, type StagingConfig } from "../support/cloud/staging.ts";
import { type Outcome, run } from "../support/fleet/command.ts";
import type { Session } from "../support/fleet/tenant-client.ts";

vi.setConfig({ testTimeout: patience, hookTimeout: patience });

/** One tenant that moves, and one that stays, so that the doors of its host stay open. */
function arrange(config: StagingConfig): void {
  const { "fra1-a": first, "fra1-b": second } = config.hosts;
  const { acme, globex } = config.tenants;
  Object.assign(config, {
    hosts: {
      control: { kind: "digitalocean", region: "fra1", size: "s-1vcpu-2gb" },
      "fra1-a": first,
      "fra1-b": { ...second, volume: "4GB" },
    },
    tenants: { acme: { ...acme, certificate: "self-signed", branding: undefined }, globex },
    monitoring: { enabled: false },
  });
  delete config.acme;
}

/** The host with a neighbour, and the one without. */
const [home, other] = ["fra1-a", "fra1-b"];

/** Of the file that takes a copy some seconds. */
const largeBytes = 300_000_000;

describe.skipIf(process.getuid?.() !== 0)("a tenant's move, and what goes wrong meanwhile", () => {
  const staging = new Staging("moves", arrange);
  const mover = new Mover(staging, "acme");
  let session: Session;
  /** What it held when it stood still last. */
  let contents: Record<string, string>;
  let chats: string[] = [];

  beforeAll(async () => {
    await staging.prepare();
    // One that was kept is as its run left it.
    if ((await staging.machines()).length === 0)
      expect(await staging.up()).toContain("healthy, replicas equal");
    const [place = ""] = await mover.runsOn(home, other);
    session = await staging.signIn("acme", place);
    chats = [await session.createChat("Asked before anything went wrong")];
    const uploads = `${dataRoot}/tenants/acme/data/uploads`;
    await staging.within(
      place,
      `cd ${uploads} && { test -e large || head -c ${largeBytes} /dev/urandom >large; }`,
    );
    // Everything below begins there, whatever an earlier run left.
    if (await mover.recorded()) {
      await mover.forgetRunner();
      await mover.does("move", "--rollback", "--yes");
    }
    if (place === other) {
      await mover.does("move", "--to", home, "--yes");
      await mover.does("move", "--confirm", "--yes");
    }
    contents = await mover.contents(home);
  });
  afterAll(() => staging.finish());

  const at = async (host: string) => session.through(await staging.tenant("acme", host));
  const write = async (host: string, title: string) => {
    chats.push(await (await at(host)).createChat(title));
    contents = await mover.contents(host);
  };
  /** It serves there with all it had, and nowhere else. */
  const serves = async (host: string) => {
    expect(await mover.runsOn(home, other)).toEqual([host]);
    expect(await mover.contents(host)).toEqual(contents);
    const ids = (await (await at(host)).chats()).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(chats));
  };
  /** The same, and nothing tells that it was to be elsewhere. */
  const isBackOn = async (host: string) => {
    await serves(host);
    expect(await mover.recorded()).toBeUndefined();
    expect(await mover.traces(host === home ? other : home)).toEqual([]);
    await staging.nothingIsDue();
  };

  const done = (steps: number) => async () => (await mover.recorded())?.done === steps;
  const idOf = async () => (await mover.recorded())?.id ?? "";
  const takenOn = async (action: "resume" | "abort"): Promise<Running> => {
    await mover.forgetRunner();
    return mover.start("operations", action, await idOf());
  };
  const ends = async ({ ended }: Running, code: number): Promise<Outcome> => {
    const outcome = await ended;
    expect([outcome.code, outcome.stderr]).toEqual([code, outcome.stderr]);
    return outcome;
  };

  describe("a machine of its operator that loses power at each of its steps", () => {
    it("costs nothing while it is copied: it serves where it is", async () => {
      const running = await mover.goTo(other);
      await mover.killAt(running, "it is being copied", () => mover.has(other, "arriving/data/uploads"));
      await serves(home);
    });

    it("costs nothing while its keys come over", async () => {
      await mover.killAt(await takenOn("resume"), "copied", done(1));
      await serves(home);
    });

    it("costs nothing while everything is made over there", async () => {
      await mover.killAt(await takenOn("resume"), "prepared", done(2));
      await serves(home);
    });

    it("has nobody served between stop and start, and nothing is lost", async () => {
      const stopped = async () => (await mover.state(home)) === "exited";
      await mover.killAt(await takenOn("resume"), "stopped", stopped);
      expect(await mover.runsOn(home, other)).toEqual([]);
      expect(await mover.contents(home)).toEqual(contents);
    });

    it("has nothing start over there by itself that nobody looks at twice", async () => {
      await mover.killAt(await takenOn("resume"), "arrived", () => mover.has(other, "config/arrived"));
      expect(await mover.runsOn(home)).toEqual([]);
      expect(await mover.contents(other)).toEqual(contents);
    });

    it("costs nothing once it serves over there", async () => {
      await mover.killAt(await takenOn("resume"), "switched", done(3));
      await serves(other);
      await mover.killAt(await takenOn("resume"), "checked", done(4));
      await serves(other);
    });

    it("is taken on to the end, where it waits for a word", async () => {
      await ends(await takenOn("resume"), 0);
      expect(await mover.recorded()).toMatchObject({ done: 5, status: "stopped" });
      await serves(other);
      await staging.nothingIsDue();
    });

    it("may be in the middle of what was confirmed: the word is given again", async () => {
      const running = await mover.start("move", "acme", "--confirm", "--yes");
      await mover.killAt(running, "confirmed", async () => (await mover.recorded())?.status === "running");
      await serves(other);
      await mover.forgetRunner();
      await mover.does("move", "--confirm", "--yes");
      await isBackOn(other);
    });
  });

  describe("a rollback whose operator's machine loses power", () => {
    it("brings along what was written, wherever it was killed", async () => {
      await mover.does("move", "--to", home, "--yes");
      await write(home, "Asked before it was taken back");
      const running = await mover.start("move", "acme", "--rollback", "--yes");
      await mover.killAt(
        running,
        "it is stopped again",
        async () => (await mover.recorded())?.status === "undoing" && (await mover.state(home)) === "exited",
      );
      expect(await mover.runsOn(home, other)).toEqual([]);
      await mover.killAt(await takenOn("abort"), "what is to go is being removed", done(1));
      await serves(other);
      await ends(await takenOn("abort"), 0);
      await isBackOn(other);
    });

    it("and it goes home", async () => {
      await mover.does("move", "--to", home, "--yes");
      await mover.does("move", "--confirm", "--yes");
      await isBackOn(home);
    });
  });

  describe("a move that cannot be", () => {
    const machine = () => staging.machine(other);
    /** Runs a move during which something is done to the target at a moment; answers how it ended. */
    const during = async (moment: () => Promise<boolean>, harm: () => Promise<unknown>): Promise<Outcome> => {
      const running = await mover.goTo(other);
      let ended = false;
      void running.ended.then(() => {
        ended = true;
      });
      while (!ended && !(await moment())) await new Promise((next) => setTimeout(next, 50));
      expect(ended).toBe(false);
      await harm();
      return running.ended;
    };
    const recorded = async () => (await mover.recorded()) !== undefined;
    const stoppedHere = async () => (await mover.state(home)) === "exited";

    it("is taken back where the target has no port for it", async () => {
      const port = (await staging.within(home, `docker port ${mover.container} 8080/tcp`)).split(":").at(-1);
      const listener = `python3 -m http.server ${port} --bind 127.0.0.1 >/dev/null 2>&1 & echo $!`;
      const pid = await staging.within(other, listener);
      const { code, stderr } = await (await mover.goTo(other)).ended;
      await staging.within(other, `kill ${pid}`);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/was taken back/)]);
      await isBackOn(home);
    });

    const fill = () =>
      staging.within(
        other,
        `cd ${dataRoot} && fallocate -l $(($(df -Pk . | awk 'NR == 2 { print $4 }') - 150000))KiB full`,
      );
    const empty = () => staging.within(other, `rm -f ${dataRoot}/full`);

    it.each([
      ["while it is copied", recorded],
      ["behind its stop", done(2)],
    ])("is taken back where the target's disk is full %s", async (_, moment) => {
      const { code, stderr } = await during(moment, fill);
      await empty();
      expect([code, stderr]).toEqual([1, expect.stringMatching(/taken back: .*no room/s)]);
      await isBackOn(home);
    });

    it("is taken back where the target has no memory for it", async () => {
      const { code, stderr } = await during(done(2), async () => {
        const stat = await staging.within(other, "cat /sys/fs/cgroup/memory/memory.stat");
        const used = Number(/total_rss (\d+)/.exec(stat)?.[1]);
        const limit = `${Math.round(used / 2 ** 20) + 250}m`;
        await docker(["update", "--memory", limit, "--memory-swap", limit, await machine()]);
      });
      await docker(["update", "--memory", "4096m", "--memory-swap", "4096m", await machine()]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/taken back: .*did not start/s)]);
      await isBackOn(home);
    });

    it("is taken back where what receives is killed", async () => {
      const receiver = `docker kill owui-${staging.stack}-move-acme-receive`;
      const { code, stderr } = await during(
        () => mover.has(other, "arriving/data/uploads"),
        () => staging.within(other, receiver),
      );
      expect([code, stderr]).toEqual([1, expect.stringMatching(/was taken back/)]);
      await isBackOn(home);
    });

    it("is taken back where somebody changes their mind", async () => {
      const { code, stderr } = await during(recorded, async () =>
        staging.driver.operate("operations", ["abort", await idOf()]),
      );
      expect([code, stderr]).toEqual([1, expect.stringMatching(/was taken back/)]);
      await isBackOn(home);
    });

    /** Keeps this machine from a host while `work` goes on. */
    const apart = async <T>(host: string, work: () => Promise<T>): Promise<T> => {
      const rule = ["OUTPUT", "-d", await staging.addressOf(host), "-j", "DROP"];
      await run(["iptables", "-w", "10", "-I", ...rule]);
      try {
        return await work();
      } finally {
        await run(["iptables", "-w", "10", "-D", ...rule]);
      }
    };

    it.each([
      ["while it is copied", () => mover.has(other, "arriving/data/uploads")],
      ["behind its stop", stoppedHere],
    ])("has it serve where it was although the target cannot be reached %s", async (_, moment) => {
      const running = await mover.goTo(other);
      let ended = false;
      void running.ended.then(() => {
        ended = true;
      });
      while (!ended && !(await moment())) await new Promise((next) => setTimeout(next, 50));
      expect(ended).toBe(false);
      const { code, stderr } = await apart(other, () => running.ended);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/operations (abort|resume) \d+/)]);
      await serves(home);
      await ends(await takenOn("abort"), 0);
      await isBackOn(home);
    });
  });
});
