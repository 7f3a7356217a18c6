import { KeyObject, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Credentials } from "./agent-door.ts";

const KEY = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** What a certificate may do and whom it names: key usage, alternative names, extended key usage. */
const COPIED_EXTENSIONS = ["2.5.29.15", "2.5.29.17", "2.5.29.37"];

/**
 * A certificate that says all that the given one says, signed by an authority that bears the real
 * authority's name and is not it.
 */
export const foreignCredentials = async (like: string): Promise<Credentials> => {
  const original = new x509.X509Certificate(like);
  const authority = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const own = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: original.subject,
    issuer: original.issuer,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: original.extensions.filter(({ type }) => COPIED_EXTENSIONS.includes(type)),
    publicKey: own.publicKey,
    signingKey: authority.privateKey,
  });
  return {
    cert: certificate.toString("pem"),
    key: KeyObject.from(own.privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
  };
};
