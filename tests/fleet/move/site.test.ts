import { describe, expect, it } from "vitest";
import { openSite } from "../../../fleet/move/site.ts";
import type { Subject } from "../../../fleet/move/subject.ts";
import type { MoveSide } from "../../../fleet/on-host/tenant-move.ts";

/** What the target is told, of a tenant's site. */
async function told(spec: object): Promise<string[]> {
  const said: string[] = [];
  const listen = (port: number) => ({ address: "0.0.0.0", port });
  const to = {
    spec: { http: listen(80), https: listen(443) },
    act: async (action: string, _: object, text: string) => void said.push(action, text),
  } as unknown as MoveSide;
  const whole = {
    ...{ id: "acme", domain: "chat.acme.example", port: 12345, proxied: false, certificate: "self-signed" },
    formerDomains: [
      { domain: "old.example", until: "2099-12-31" },
      { domain: "older.example", until: "2001-01-01" },
    ],
    ...spec,
  };
  await openSite({ spec: whole } as unknown as Subject, to);
  return said;
}

describe("a site that is opened before its tenant comes", () => {
  it("is what `up` makes it later", async () => {
    const [action, text] = await told({});
    expect(action).toBe("open");
    for (const line of [
      "server 127.0.0.1:12345;",
      "server_name chat.acme.example;",
      "server_name old.example;",
      "ssl_certificate tls/acme.pem;",
    ])
      expect(text).toContain(line);
    expect(text).not.toContain("older.example");
  });

  it("shows what an authority certified", async () => {
    const [, text] = await told({ certificate: "acme" });
    expect(text).toContain("ssl_certificate acme/certificates/acme.pem;");
    expect(text).toContain("Strict-Transport-Security");
  });

  it("is none where a proxy stands in front", async () => {
    expect(await told({ proxied: true, certificate: "origin-ca" })).toEqual([]);
  });
});
