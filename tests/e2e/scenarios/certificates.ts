import { X509Certificate } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";
import { knock } from "../../support/fleet/agent-door.ts";
import { askNode } from "../../support/fleet/cluster-client.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { PORTS } from "../../support/fleet/stack-file.ts";

const AGENT_PORT = 8050;

/** Each certificate of a file. */
const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Who may speak to the agent and to the nodes. */
export const certificates = (fleet: Fleet) =>
  describe("certificates", () => {
    let address: string;

    const credentialsOf = async (directory: string): Promise<Credentials> => ({
      certificate: await fleet.secretFile(`${directory}/tls.crt`),
      key: await fleet.secretFile(`${directory}/tls.key`),
    });

    beforeAll(async () => {
      const { addresses } = await fleet.engine.container(fleet.name("agent"));
      address = addresses[fleet.name("control")] ?? "";
    });

    describe("the agent", () => {
      it("answers a node", async () => {
        const credentials = await credentialsOf("nodes/a");
        expect(await knock(address, AGENT_PORT, credentials)).toEqual({ status: 200 });
      });

      it("breaks off with whoever shows no certificate", async () => {
        expect(await knock(address, AGENT_PORT)).toEqual({ broken: expect.any(String) });
      });

      it("breaks off with a node's certificate by another authority of the same name", async () => {
        const real = new X509Certificate(await fleet.secretFile("nodes/a/ca.crt"));
        const impostor = await TestAuthority.create(real.subject.replaceAll("\n", ", "));
        const foreign = await impostor.node("main", "a");
        expect(await knock(address, AGENT_PORT, foreign)).toEqual({ broken: expect.any(String) });
      });

      it("breaks off with its own certificate used as a node's", async () => {
        expect(await knock(address, AGENT_PORT, await credentialsOf("agent/config"))).toEqual({
          broken: expect.any(String),
        });
      });
    });

    describe("another authority", () => {
      const holders = ["agent/config", "postgres/config", "nodes/a", "nodes/b"];
      let former: Credentials & { authority: string };
      let before: Awaited<ReturnType<Fleet["snapshot"]>>;
      let syncs: { status: string }[];

      beforeAll(async () => {
        former = { ...(await credentialsOf("nodes/a")), authority: await believedBy("nodes/a") };
        before = await fleet.snapshot();
        const began = new Date().toISOString();
        await fleet.file.setGeneration(2);
        const stop = new AbortController();
        const syncing = syncEverySecond(stop.signal);
        await fleet.up().finally(() => stop.abort());
        await syncing;
        const jobs = await (await fleet.cluster()).history("acme");
        syncs = jobs.filter(({ started_at }) => started_at > began);
      });

      it("issues everybody's certificate behind one up, and restarts nothing", async () => {
        for (const holder of holders) {
          const { certificate } = await credentialsOf(holder);
          const [issuer] = (await believedBy(holder)).match(pem) ?? [];
          expect(new X509Certificate(certificate).verify(new X509Certificate(issuer ?? "").publicKey)).toBe(
            true,
          );
          expect(former.authority).toContain(issuer);
        }
        expect(await fleet.snapshot()).toEqual(before);
      });

      it("makes no sync fail on the way", () => {
        expect(syncs.length).toBeGreaterThan(2);
        expect(syncs.filter(({ status }) => status !== "success" && status !== "unchanged")).toEqual([]);
      });

      it("leaves the former one without any power", async () => {
        const [issuer = ""] = former.authority.match(pem) ?? [];
        for (const holder of holders) expect(await believedBy(holder)).not.toContain(issuer);
        expect(await knock(address, AGENT_PORT, former)).toEqual({ broken: expect.any(String) });
        expect(await knock(address, AGENT_PORT, await credentialsOf("nodes/a"))).toEqual({ status: 200 });
      });

      it("lets everybody's certificate live for more than a year, as status --json says", async () => {
        const { certificates } = await fleet.driver.status();
        expect(certificates.map(({ name }) => name)).toEqual(
          expect.arrayContaining(["authority-2", "urn:owui:agent:local", fleet.name("postgres")]),
        );
        const year = Date.now() + 365 * 86_400_000;
        for (const { expires_at } of certificates) expect(Date.parse(expires_at)).toBeGreaterThan(year);
      });

      it("is what Postgres shows, whose sessions went on", async () => {
        const [issuer = ""] = (await believedBy("nodes/a")).match(pem) ?? [];
        expect(await fleet.replica.query("SELECT 1 AS one", [], issuer)).toEqual([{ one: 1 }]);
      });

      const believedBy = (holder: string) => fleet.secretFile(`${holder}/ca.crt`);

      async function syncEverySecond(signal: AbortSignal): Promise<void> {
        const cluster = await fleet.cluster();
        while (!signal.aborted) {
          await cluster.trigger("acme");
          await setTimeout(1_000, undefined, { signal }).catch(() => {});
        }
      }
    });

    describe("a node", () => {
      const ports = Object.entries(PORTS.nodes);

      it.each(ports)("%s answers its health to anybody", async (_node, port) => {
        expect((await askNode(port, "GET", "/health")).status).toBe(200);
      });

      it.each(ports)("%s answers nothing else without a token", async (_node, port) => {
        for (const path of ["/metrics", "/api/v1/cluster", "/api/v1/sync/status"]) {
          expect((await askNode(port, "GET", path)).status).toBe(401);
        }
        expect((await askNode(port, "POST", "/api/v1/sync/trigger/acme")).status).toBe(401);
      });
    });
  });
