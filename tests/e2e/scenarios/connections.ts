import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { Fleet } from "../../support/fleet/fleet.ts";
import { fetchJson } from "../../support/fleet/http.ts";
import { MODEL, PIECES, type SeenRequest } from "../../support/fleet/model-fake.ts";

/** A model connection, to a FAKE model server in a network of the tests' own. */
export const connections = (fleet: Fleet) =>
  describe("a model connection", () => {
    const fake = fleet.model;
    const key = `sk-e2e-${randomBytes(16).toString("hex")}`;

    beforeAll(async () => {
      await fleet.file.setTenant("acme", {
        connections: [{ url: `http://${fake.address}:${fake.port}/v1` }],
      });
      await fleet.setSecret("tenants.acme.connections[0].key", key);
      await fleet.up();
    });

    it("offers its models in the tenant that has it, and in no other", async () => {
      expect(await (await fleet.signIn("acme")).models()).toContain(MODEL);
      expect(await (await fleet.signIn("globex")).models()).not.toContain(MODEL);
    });

    it("streams an answer through nginx piece by piece, holding none back", async () => {
      const session = await fleet.signIn("acme");
      const pieces: string[] = [];
      // The fake sends a piece only when asked: a piece that arrives here was not waiting for the next.
      for await (const piece of session.ask(MODEL, "What are you?")) {
        pieces.push(piece);
        await fleet.nextPiece();
      }
      expect(pieces).toEqual(PIECES);
    });

    it("sends the key from the stack's file", async () => {
      const seen = await fetchJson<SeenRequest[]>(fake, "/fake/requests");
      expect(seen.map(({ path }) => path)).toContain("/v1/chat/completions");
      for (const { authorization } of seen) expect(authorization).toBe(`Bearer ${key}`);
    });
  });
