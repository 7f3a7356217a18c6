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

const issued = (generation = 1) =>
  declaredBy(() => {
    const authority = new CertificateAuthority("authority", { generation });
    authority.issue("agent", agentSubject("local"), new Holder());
    authority.certificate.apply((pem) => believed.set(generation, pem));
  });

/** What everybody believes, by the generation that issues. */
const believed = new Map<number, string>();

const days = (hours: number) => hours / 24;

describe("the stack's authority", () => {
  it("lives ten years and signs certificates only", async () => {
    expect((await issued()).one("authority-certificate").inputs).toMatchObject({
      isCaCertificate: true,
      validityPeriodHours: 87_600,
      allowedUses: ["cert_signing", "crl_signing"],
    });
  });

  it("issues below whoever asked", async () => {
    const authority = await issued();
    expect(authority.below("holder")).toEqual(["agent-certificate", "agent-key", "agent-request"]);
    expect(authority.one("agent-certificate").inputs).toMatchObject({
      allowedUses: ["digital_signature", "server_auth"],
      caCertPem: "certificate of authority-certificate",
    });
    expect(authority.one("agent-request").inputs).toMatchObject({
      dnsNames: ["agent.local"],
      uris: ["urn:owui:agent:local"],
    });
  });

  it("issues for so long that a year is left after every up, and anew from the 90th day on", async () => {
    const { validityPeriodHours, earlyRenewalHours } = (await issued()).one("agent-certificate").inputs;
    expect(days(earlyRenewalHours)).toBe(365);
    expect(days(validityPeriodHours - earlyRenewalHours)).toBe(90);
  });

  it("has keys made anew with the certificates, which they know by one that is nobody's", async () => {
    const authority = await issued();
    const { validityPeriodHours, earlyRenewalHours } = authority.one("agent-certificate").inputs;
    expect(authority.one("authority-term").inputs).toMatchObject({ validityPeriodHours, earlyRenewalHours });
    expect(authority.one("agent-key").trigger).toBe("authority-term-id");
    expect(authority.one("authority-key").trigger).toBe("");
  });

  it("never ends before what it issued", async () => {
    const declared = await issued();
    const own = declared.one("authority-certificate").inputs;
    expect(own.earlyRenewalHours).toBeGreaterThan(
      declared.one("agent-certificate").inputs.validityPeriodHours,
    );
  });

  it("is believed with the next one, which issues nothing yet", async () => {
    const authority = await issued();
    expect(authority.below("authority")).toEqual([
      "authority-certificate",
      "authority-certificate-2",
      "authority-key",
      "authority-key-2",
      "authority-term",
    ]);
    expect(believed.get(1)).toBe(
      "certificate of authority-certificatecertificate of authority-certificate-2",
    );
  });

  it("hands over to the one that everybody believed already, with new keys for all", async () => {
    const rotated = await issued(2);
    expect(believed.get(2)).toBe(
      "certificate of authority-certificate-2certificate of authority-certificate-3",
    );
    expect(rotated.one("agent-certificate-2").inputs.caCertPem).toBe(
      "certificate of authority-certificate-2",
    );
    expect(rotated.below("holder")).toEqual(["agent-certificate-2", "agent-key-2", "agent-request-2"]);
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
