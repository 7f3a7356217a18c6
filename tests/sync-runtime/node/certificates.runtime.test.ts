import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";
import { until } from "../../support/fleet/until.ts";
import type { NodeProcess } from "../../support/node-process.ts";
import { TestFleet } from "./fleet.ts";

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start(["acme"]);
  await fleet.startNode("a");
  await fleet.startNode("b");
});
afterAll(() => fleet[Symbol.asyncDispose]());

/** How often a process has taken other certificates. */
const renewals = ({ log }: { log: Record<string, unknown>[] }) =>
  log.filter(({ msg }) => msg === "certificates were renewed").length;

describe("authorities and certificates change under running syncs", () => {
  it("without a sync that fails or a process that starts, and what the former issued opens no door then", async () => {
    const [former, next] = [fleet.agent.authority, await TestAuthority.create("CN=the next authority")];
    const parties = [fleet.agent, ...fleet.nodes];
    const pids = parties.map(({ pid }) => pid);
    const source = fleet.source("acme");
    const ended: string[] = [];
    const stop = new AbortController();
    const syncing = (async () => {
      while (!stop.signal.aborted) {
        source.exec("UPDATE user SET name = name || '.'");
        const { status, error } = await fleet.sync("acme", fleet.nodes[ended.length % 2]);
        ended.push(error ?? status);
      }
    })();
    /** Has some of them changed, and waits until they noticed and two more syncs went by. */
    const change = async (changed: typeof parties, how: () => void) => {
      const before = changed.map(renewals);
      how();
      await until("all have taken what changed", () =>
        changed.every((party, index) => renewals(party) > (before[index] ?? 0)),
      );
      const since = ended.length;
      await until("two more syncs have ended", () => ended.length > since + 1);
    };

    await change(parties, () => {
      for (const party of parties) party.believe(former, next);
    });
    const agent = await next.agent("local");
    await change([fleet.agent], () => fleet.agent.install(agent));
    for (const node of fleet.nodes) {
      const certificate = await next.node("main", node.id);
      await change([node], () => node.install(certificate));
    }
    await change(parties, () => {
      for (const party of parties) party.believe(next);
    });
    stop.abort();
    await syncing;
    source.close();

    expect(ended.length).toBeGreaterThan(9);
    // What its interval made due may be the sync that brings the change.
    expect(ended.filter((how) => how !== "success" && how !== "unchanged")).toEqual([]);
    expect(parties.map(({ pid }) => pid)).toEqual(pids);
    expect(await namesKnown()).toEqual(
      expect.arrayContaining(["urn:owui:node:main:a", "urn:owui:agent:local", "the next authority"]),
    );
    await expect(greeted(await next.node("main", "a"), next)).resolves.toBe("welcome");
    await expect(greeted(await former.node("main", "a"), next)).resolves.toBe("turned away");
  });
});

/** Of the certificates that a node knows of. */
async function namesKnown(): Promise<string[]> {
  const node = fleet.nodes[0] as NodeProcess;
  const { certificates } = await node.get<{ certificates: { name: string }[] }>("/api/v1/cluster");
  return certificates.map(({ name }) => name);
}

/** What the agent does with whoever shows a certificate in the handshake. */
function greeted({ certificate, key }: Credentials, authority: TestAuthority): Promise<string> {
  const { port } = fleet.agent;
  const ca = authority.certificate;
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca, cert: certificate, key });
  return new Promise((resolve) => {
    // In TLS 1.3 the client has ended its handshake before the server looks at its certificate.
    socket.write("GET /health HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    socket.once("data", () => resolve("welcome"));
    socket.on("error", () => {});
    socket.once("close", () => resolve("turned away"));
  });
}
