import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { signingKey } from "../../../../toolchain/providers/tls/signing-key.ts";

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
