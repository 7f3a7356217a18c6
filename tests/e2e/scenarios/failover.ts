import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { until } from "../../support/fleet/until.ts";

/** The interval, a lease that has to run out, and the sync. */
const TAKEOVER_AND_SYNC_S = 180;

/** Parts of the cluster that go away without a word. */
export const failover = (fleet: Fleet) => {
  describe("the leading node, killed", () => {
    let killed: string;
    let survivor: string;
    let epoch: number;

    const nodes = async () => (await fleet.driver.status()).nodes;

    beforeAll(async () => {
      const leader = (await nodes()).find((node) => node.leader);
      if (!leader) throw new Error("no node leads");
      killed = leader.id;
      survivor = killed === "a" ? "b" : "a";
      epoch = leader.epoch;
      // Docker takes a kill by hand for a wish to stop: `restart` below is what a crash would have had.
      await fleet.engine.docker(["kill", "--signal", "KILL", fleet.name(`node-${killed}`)]);
    });

    it("is followed by the other one, under a higher epoch", async () => {
      const health = await until("the survivor to lead", async () => {
        const seen = await fleet.nodeHealth(survivor);
        return seen.is_leader && seen;
      });
      expect(health.epoch).toBeGreaterThan(epoch);
    });

    it("is missed by no tenant: a new chat reaches the replica", async () => {
      const chat = await (await fleet.signIn("acme")).createChat("Written with one node");
      await until("the chat in the replica", () => fleet.replica.chat("acme", chat), TAKEOVER_AND_SYNC_S);
    });

    it("comes back as a follower", async () => {
      await fleet.engine.docker(["start", fleet.name(`node-${killed}`)]);
      const back = await until("the node to answer", () => fleet.nodeHealth(killed));
      expect(back.is_leader).toBe(false);
      expect((await nodes()).filter(({ leader }) => leader).map(({ id }) => id)).toEqual([survivor]);
    });
  });

  describe("a node whose process dies", () => {
    it("is started again by the engine", async () => {
      const container = fleet.name("node-a");
      const before = await fleet.engine.container(container);
      process.kill(before.pid, "SIGKILL");
      await until("the engine to start the node again", async () => {
        const now = await fleet.engine.container(container);
        return now.running && now.startedAt !== before.startedAt;
      });
      await until("the node to answer", () => fleet.nodeHealth("a"));
    });
  });

  describe("a stopped agent", () => {
    const agent = fleet.name("agent");

    it("makes syncs fail with an error that names it", async () => {
      await fleet.engine.docker(["stop", agent]);
      const { last } = await fleet.syncUntil("globex", "failed");
      expect(last?.error).toMatch(/agent/i);
    });

    it("is forgiven once it runs again: the next sync succeeds by itself", async () => {
      await fleet.engine.docker(["start", agent]);
      const cluster = await fleet.cluster();
      const line = await until(
        "a sync of globex that succeeds",
        async () => {
          const now = await cluster.sync("globex");
          return now.last?.status !== "failed" && now;
        },
        TAKEOVER_AND_SYNC_S,
      );
      expect(line.replica.equal).toBe(true);
    });
  });

  describe("the control host's whole work, gone: agent, nodes and database", () => {
    const gone = ["node-a", "node-b", "postgres", "agent"].map((role) => fleet.name(role));
    let chat: string;

    it("is missed by no tenant", async () => {
      await fleet.engine.docker(["stop", ...gone]);
      chat = await (await fleet.signIn("acme")).createChat("Written with no cluster");
      expect((await fleet.tenant("globex").get("/health")).status).toBe(200);
    });

    it("comes back by itself, and what was written meanwhile reaches the replica", async () => {
      await fleet.engine.docker(["start", ...gone.toReversed()]);
      await until(
        "the chat in the replica",
        () => fleet.replica.chat("acme", chat).catch(() => undefined),
        TAKEOVER_AND_SYNC_S,
      );
    });
  });
};
