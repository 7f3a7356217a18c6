import { webcrypto } from "node:crypto";
import * as x509 from "../../../../toolchain/providers/tls/x509.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

const pair = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

/** A CSR with a key of its own. */
export const request = async (): Promise<string> => {
  const keys = (await pair()) as never;
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=origin",
    keys,
    signingAlgorithm: algorithm,
  });
  return made.toString("pem");
};

/** A client certificate and its key, in the API's words. */
export const client = async (): Promise<{ certificate: string; private_key: string }> => {
  const keys = await pair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=edge",
    notBefore: new Date(),
    notAfter: new Date(Date.now() + 24 * 60 * 60 * 1000),
    keys: keys as never,
    signingAlgorithm: algorithm,
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    private_key: x509.PemConverter.encode(key, "PRIVATE KEY"),
  };
};
