import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { agentSubject } from "../../components/host/agent.ts";
import { nodeSubject } from "../../components/sync/node.ts";
import { postgresSubject } from "../../components/sync/postgres.ts";
import { declaredBy } from "./engine.ts";

class Holder extends pulumi.ComponentResource {
  constructor() {
    super("test:Holder", "holder");
  }
}

const issued = () =>
  declaredBy(() => {
    const authority = new CertificateAuthority("authority");
    authority.issue("agent", agentSubject("local"), new Holder());
  });

describe("the stack's authority", () => {
  it("lives ten years and signs certificates only", async () => {
    expect((await issued()).one("authority-certificate").inputs).toMatchObject({
      isCaCertificate: true,
      validityPeriodHours: 87_600,
      allowedUses: ["cert_signing", "crl_signing"],
    });
  });

  it("issues for a year, anew in the last 90 days, below whoever asked", async () => {
    const authority = await issued();
    expect(authority.below("holder")).toEqual(["agent-certificate", "agent-key", "agent-request"]);
    expect(authority.one("agent-certificate").inputs).toMatchObject({
      validityPeriodHours: 8760,
      earlyRenewalHours: 2160,
      allowedUses: ["digital_signature", "server_auth"],
      caCertPem: "certificate of authority-certificate",
    });
    expect(authority.one("agent-request").inputs).toMatchObject({
      dnsNames: ["agent.local"],
      uris: ["urn:owui:agent:local"],
    });
  });
});

describe("subjects", () => {
  it.each([
    [
      "an agent, who only serves",
      agentSubject("local"),
      { dns: ["agent.local"], uri: "urn:owui:agent:local", uses: ["server_auth"] },
    ],
    [
      "a node, who serves and calls",
      nodeSubject("main", "a"),
      {
        dns: ["node-a.main", "localhost"],
        uri: "urn:owui:node:main:a",
        ip: ["127.0.0.1"],
        uses: ["server_auth", "client_auth"],
      },
    ],
    [
      "Postgres, who speaks for nobody",
      postgresSubject("local"),
      { dns: ["owui-local-postgres", "localhost"], ip: ["127.0.0.1"], uses: ["server_auth"] },
    ],
  ])("of %s", (_, subject, expected) => {
    expect(subject).toEqual(expected);
  });
});
