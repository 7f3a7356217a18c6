import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import tls from "@pulumi/tls";
import { expect, test } from "vitest";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

conformance("tls", (stack) => {
  const program = (earlyRenewalHours: number) => () => {
    const authorityKey = new tls.PrivateKey("authority-key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    const authority = new tls.SelfSignedCert("authority", {
      privateKeyPem: authorityKey.privateKeyPem,
      subject: { commonName: "authority", organization: "fleet" },
      isCaCertificate: true,
      maxPathLength: 0,
      allowedUses: ["cert_signing", "crl_signing"],
      validityPeriodHours: 1000,
    });
    const leafKey = new tls.PrivateKey("leaf-key", { algorithm: "ED25519" });
    const request = new tls.CertRequest("request", {
      privateKeyPem: leafKey.privateKeyPem,
      subject: { commonName: "leaf" },
      dnsNames: ["agent.local"],
      ipAddresses: ["127.0.0.1"],
      uris: ["urn:owui:agent:local"],
    });
    const leaf = new tls.LocallySignedCert("leaf", {
      caCertPem: authority.certPem,
      caPrivateKeyPem: authorityKey.privateKeyPem,
      certRequestPem: request.certRequestPem,
      allowedUses: ["digital_signature", "server_auth", "client_auth"],
      validityPeriodHours: 100,
      earlyRenewalHours,
      setSubjectKeyId: true,
    });
    const rsa = new tls.PrivateKey("rsa", { algorithm: "RSA" });
    const tied = new tls.PrivateKey("tied", { algorithm: "ED25519" }, { replacementTrigger: leaf.id });
    return {
      authority: authority.certPem,
      leaf: leaf.certPem,
      tied: tied.publicKeyPem,
      leafKey: leafKey.privateKeyPemPkcs8,
      leafOpenssh: leafKey.publicKeyOpenssh,
      end: leaf.validityEndTime,
      start: leaf.validityStartTime,
      rsa: rsa.privateKeyPem,
      rsaPublic: rsa.publicKeyPem,
    };
  };

  test("a leaf is signed by the authority, for the request's key and names, for the time asked for", async () => {
    const { outputs } = await stack().up(program(10));
    const [authority, leaf] = [outputs.authority, outputs.leaf].map(
      (pem) => new X509Certificate(String(pem)),
    );
    expect(leaf?.verify((authority as X509Certificate).publicKey)).toBe(true);
    expect(leaf?.checkIssued(authority as X509Certificate)).toBe(true);
    expect([authority?.ca, leaf?.ca]).toEqual([true, false]);
    expect(leaf?.checkPrivateKey(createPrivateKey(String(outputs.leafKey)))).toBe(true);
    expect(leaf?.subjectAltName).toBe("DNS:agent.local, IP Address:127.0.0.1, URI:urn:owui:agent:local");
    expect(leaf?.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(authority?.subject).toBe("O=fleet\nCN=authority");
    expect(Date.parse(String(outputs.end)) - Date.parse(String(outputs.start))).toBe(100 * 3_600_000);
  });

  test("keys come in the forms that programs read", async () => {
    const { outputs } = await stack().up(program(10));
    expect(outputs.leafOpenssh).toMatch(/^ssh-ed25519 [A-Za-z0-9+/=]+\n$/);
    expect(outputs.rsa).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    const derived = createPublicKey(String(outputs.rsa)).export({ format: "pem", type: "spki" });
    expect(outputs.rsaPublic).toBe(derived);
  });

  test("private keys are secret wherever they stand", async () => {
    const { "leaf-key": key, request, leaf } = await stack().state();
    const held = [
      key?.outputs.privateKeyPem,
      key?.outputs.privateKeyPemPkcs8,
      key?.outputs.privateKeyOpenssh,
    ];
    const used = [
      request?.inputs.privateKeyPem,
      request?.outputs.privateKeyPem,
      leaf?.outputs.caPrivateKeyPem,
    ];
    expect([...held, ...used].every(isSecret)).toBe(true);
  });

  test("nothing changes until a certificate comes within its last hours: then it is replaced", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(program(10))).toEqual({});
    const changes = await stack().preview(program(100));
    expect(Object.keys(changes).sort()).toEqual(["leaf", "tied"]);
    expect(changes.leaf?.forced).toEqual(["readyForRenewal"]);
  });

  test("a key that is tied to a certificate is made anew with it, and not before", async () => {
    const before = (await stack().up(program(10))).outputs;
    const after = (await stack().up(program(100))).outputs;
    expect(after.leaf).not.toBe(before.leaf);
    expect(after.tied).not.toBe(before.tied);
    expect(after.rsaPublic).toBe(before.rsaPublic);
  });
});
