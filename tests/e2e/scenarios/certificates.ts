import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";
import { knock } from "../../support/fleet/agent-door.ts";
import { askNode } from "../../support/fleet/cluster-client.ts";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { PORTS } from "../../support/fleet/stack-file.ts";

const AGENT_PORT = 8050;

/** Who may speak to the agent and to the nodes. */
export const certificates = (fleet: Fleet) => {
  describe("the agent", () => {
    let address: string;

    const credentialsOf = async (directory: string): Promise<Credentials> => ({
      certificate: await fleet.secretFile(`${directory}/tls.crt`),
      key: await fleet.secretFile(`${directory}/tls.key`),
    });

    beforeAll(async () => {
      const { addresses } = await fleet.engine.container(fleet.name("agent"));
      address = addresses[fleet.name("control")] ?? "";
    });

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
};
