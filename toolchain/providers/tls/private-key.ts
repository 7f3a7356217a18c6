import { createHash, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { replaces, resource } from "../plugin/resource.ts";
import { choice, type Filled, number } from "../plugin/types.ts";
import { fingerprints, opensshPrivate, opensshPublic } from "./openssh.ts";

const generate = promisify(generateKeyPair);

/** Curves that OpenSSH has: those the real provider can write its keys for, P224 aside. */
const curves = { P256: "prime256v1", P384: "secp384r1", P521: "secp521r1" } as const;

const inputs = {
  algorithm: replaces(choice("RSA", "ECDSA", "ED25519"), { required: true }),
  ecdsaCurve: replaces(choice("P256", "P384", "P521"), { default: "P256" }),
  rsaBits: replaces(number, { default: 2048 }),
};

type KeyInputs = Filled<typeof inputs>;

/** A fresh pair; parameters of other algorithms are ignored, as they are by the real plugin. */
const makePair = ({ algorithm, ecdsaCurve, rsaBits }: KeyInputs) => {
  if (algorithm === "RSA") return generate("rsa", { modulusLength: rsaBits });
  if (algorithm === "ECDSA") return generate("ec", { namedCurve: curves[ecdsaCurve] });
  return generate("ed25519");
};

/** The traditional form where there is one (PKCS#1, SEC 1), as the real plugin writes it. */
const traditionalPem = (key: KeyObject, algorithm: KeyInputs["algorithm"]): string => {
  const type = { RSA: "pkcs1", ECDSA: "sec1", ED25519: "pkcs8" } as const;
  return key.export({ format: "pem", type: type[algorithm] as "pkcs8" }) as string;
};

/** A private key in the forms that servers, certificates and ssh want. Its id is the SHA-1 of the public one. */
export const privateKey = resource<undefined>()({
  inputs,
  outputs: [
    "privateKeyOpenssh",
    "privateKeyPem",
    "privateKeyPemPkcs8",
    "publicKeyFingerprintMd5",
    "publicKeyFingerprintSha256",
    "publicKeyOpenssh",
    "publicKeyPem",
  ],
  create: async (given) => {
    const pair = await makePair(given);
    const printed = fingerprints(pair.publicKey);
    const der = pair.publicKey.export({ format: "der", type: "spki" });
    return {
      id: createHash("sha1").update(der).digest("hex"),
      state: {
        privateKeyPem: traditionalPem(pair.privateKey, given.algorithm),
        privateKeyPemPkcs8: pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
        privateKeyOpenssh: opensshPrivate(pair.privateKey, pair.publicKey),
        publicKeyPem: pair.publicKey.export({ format: "pem", type: "spki" }) as string,
        publicKeyOpenssh: opensshPublic(pair.publicKey),
        publicKeyFingerprintMd5: printed.md5,
        publicKeyFingerprintSha256: printed.sha256,
      },
    };
  },
  delete: async () => {},
});
