import { describe, expect, it } from "vitest";
import type { Staging } from "../../support/cloud/staging.ts";

/** How users meet a tenant of a host, and how they do not. */
export const sites = (staging: Staging) =>
  describe("a site", () => {
    it("shows a certificate for its name, and plain HTTP only leads there", async () => {
      const answer = await staging.site("fra1-a", "acme.fleet.example");
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { status: true }]);
      expect(await staging.plainSite("fra1-a", "acme.fleet.example")).toMatchObject({
        status: expect.toBeOneOf([301, 308]),
        location: "https://acme.fleet.example/health",
      });
    });

    it.each([
      ["by Let's Encrypt, which looked its name up and came to the host", "acme", "fra1-a", "Pebble"],
      ["by the stack's own authority where its entry wants that", "globex", "fra1-a", "authority"],
      ["by Cloudflare's Origin CA where it is proxied", "initech", "fra1-b", "fake origin CA"],
    ])("is certified %s", async (_, tenant, host, issuer) => {
      const domain = `${tenant}.fleet.example`;
      expect(await staging.certified(host, domain)).toEqual({
        issuer: expect.stringContaining(issuer),
        names: `DNS:${domain}`,
      });
    });

    it("of a proxied tenant lets nobody in but the proxy", async () => {
      const seen = await staging.site("fra1-b", "initech.fleet.example").catch(() => undefined);
      expect(seen?.status).not.toBe(200);
    });

    it("that nobody has gets not even a handshake", async () => {
      await expect(staging.site("fra1-a", "nobody.fleet.example")).rejects.toThrow();
    });
  });
