import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { fingerprints, opensshPrivate, opensshPublic } from "../../../../toolchain/providers/tls/openssh.ts";

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
