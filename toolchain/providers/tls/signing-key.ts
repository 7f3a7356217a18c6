import { createPrivateKey, createPublicKey, type KeyObject, type webcrypto } from "node:crypto";

/** What a PEM private key becomes for signing. */
export interface SigningKey {
  /** The tls provider's word for the kind of key. */
  algorithm: "RSA" | "ECDSA" | "ED25519";
  privateKey: webcrypto.CryptoKey;
  publicKey: webcrypto.CryptoKey;
  signingAlgorithm: { name: string; hash?: string };
}

/** Curves with the hash that matches their strength. */
const curves: Record<string, { namedCurve: string; hash: string }> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

/** How to import and use a key, by what it is. */
const usageOf = (key: KeyObject) => {
  if (key.asymmetricKeyType === "ed25519") {
    return { algorithm: "ED25519", imported: { name: "Ed25519" }, signing: { name: "Ed25519" } } as const;
  }
  if (key.asymmetricKeyType === "rsa") {
    const imported = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    return { algorithm: "RSA", imported, signing: imported } as const;
  }
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (!curve)
    throw new Error(`cannot sign with a key of type ${key.asymmetricKeyType}: use RSA, ECDSA or ED25519`);
  const imported = { name: "ECDSA", namedCurve: curve.namedCurve };
  return { algorithm: "ECDSA", imported, signing: { name: "ECDSA", hash: curve.hash } } as const;
};

/** Reads a PEM private key of any form; a failure says which input, and nothing of its content. */
export const signingKey = (pem: string, property: string): SigningKey => {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error(`${property} holds no private key in PEM form`);
  }
  const { algorithm, imported, signing } = usageOf(key);
  return {
    algorithm,
    privateKey: key.toCryptoKey(imported, false, ["sign"]),
    publicKey: createPublicKey(key).toCryptoKey(imported, true, ["verify"]),
    signingAlgorithm: signing,
  };
};
