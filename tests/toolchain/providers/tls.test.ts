import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { isDue, outdated, serialNumber, validityFrom } from "../../../toolchain/providers/tls/certificate.ts";
import { fingerprints, opensshPrivate, opensshPublic } from "../../../toolchain/providers/tls/openssh.ts";
import { signingKey } from "../../../toolchain/providers/tls/signing-key.ts";

// Made by ssh-keygen for this test; it opens nothing.
const opensshLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n";
const opensshKey = createPublicKey({
  key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  format: "jwk",
});

test("a public key is written as OpenSSH writes it (the key of RFC 8032, test 1)", () => {
  expect(opensshPublic(opensshKey)).toBe(opensshLine);
});

test("fingerprints are those of the key's own encoding", () => {
  const { md5, sha256 } = fingerprints(opensshKey);
  expect(md5).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
  expect(sha256).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
});

test.each([
  ["ed25519", () => generateKeyPairSync("ed25519")],
  ["ecdsa-sha2-nistp384", () => generateKeyPairSync("ec", { namedCurve: "secp384r1" })],
  ["ssh-rsa", () => generateKeyPairSync("rsa", { modulusLength: 1024 })],
])("a private %s key names its type twice and is padded to whole blocks", (type, generate) => {
  const { privateKey, publicKey } = generate();
  const pem = opensshPrivate(privateKey, publicKey);
  const body = Buffer.from(pem.split("\n").slice(1, -2).join(""), "base64");
  expect(body.subarray(0, 15).toString()).toBe("openssh-key-v1\0");
  expect(body.toString("latin1").split(type).length - 1).toBeGreaterThanOrEqual(2);
  const blob = Buffer.from(opensshPublic(publicKey).split(" ")[1] ?? "", "base64");
  const secret = body.subarray(body.indexOf(blob) + blob.length);
  expect(secret.readUInt32BE(0) % 8).toBe(0);
  expect(secret.subarray(4, 8)).toEqual(secret.subarray(8, 12));
});

test.each([
  ["ECDSA", generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey, "sec1"],
  ["RSA", generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey, "pkcs1"],
  ["ED25519", generateKeyPairSync("ed25519").privateKey, "pkcs8"],
] as const)("a key for signing with %s is known by its PEM form alone", (algorithm, key, type) => {
  const pem = key.export({ format: "pem", type: type as "pkcs8" }) as string;
  expect(signingKey(pem, "privateKeyPem").algorithm).toBe(algorithm);
  expect(createPrivateKey(pem).asymmetricKeyType).toBe(key.asymmetricKeyType);
});

test("what is no key is refused by the input's name, and its content stays unsaid", () => {
  expect(() => signingKey("hidden", "caPrivateKeyPem")).toThrow(
    /^caPrivateKeyPem holds no private key in PEM form$/,
  );
});

test("a certificate is due in its last early hours, whatever a refresh said", () => {
  const end = "2030-01-02T00:00:00Z";
  expect(isDue(end, 24, new Date("2029-12-31T23:59:59Z"))).toBe(false);
  expect(isDue(end, 24, new Date("2030-01-01T00:00:00Z"))).toBe(true);
  expect(outdated({ validityEndTime: "2020-01-01T00:00:00Z" }, {})).toEqual(["readyForRenewal"]);
});

test("a certificate is valid for whole seconds, under a positive number of 16 bytes", () => {
  const { notBefore, notAfter } = validityFrom(new Date("2030-01-01T00:00:00.789Z"), 2);
  expect([notBefore, notAfter].map((date) => date.toISOString())).toEqual([
    "2030-01-01T00:00:00.000Z",
    "2030-01-01T02:00:00.000Z",
  ]);
  for (let i = 0; i < 20; i++) expect(serialNumber()).toMatch(/^[0-7][0-9a-f]{31}$/);
});
