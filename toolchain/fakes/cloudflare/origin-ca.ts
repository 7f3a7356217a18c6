import { webcrypto } from "node:crypto";
import * as x509 from "../../providers/tls/x509.ts";

/** The fake's own CA of origin certificates: real signatures, by a CA that nobody trusts. */
export interface OriginCa {
  key: string;
  certificate: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const day = 24 * 60 * 60 * 1000;
const issuer = "O=CloudFlare, OU=A fake origin CA, CN=fake origin CA";

const toPem = (key: ArrayBuffer): string => x509.PemConverter.encode(key, "PRIVATE KEY");

export const makeOriginCa = async (now: Date): Promise<OriginCa> => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: issuer,
    notBefore: now,
    notAfter: new Date(now.getTime() + 20 * 365 * day),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { key: toPem(key), certificate: certificate.toString("pem") };
};

/** Signs a request for these host names; throws if the request is none or does not prove its key. */
export const signOrigin = async (
  ca: OriginCa,
  { csr, hostnames, days, now }: { csr: string; hostnames: readonly string[]; days: number; now: Date },
): Promise<{ certificate: string; expiresOn: Date }> => {
  const request = new x509.Pkcs10CertificateRequest(csr);
  if (!(await request.verify())) throw new Error("the signature of the CSR does not fit its key");
  const [pem] = x509.PemConverter.decode(ca.key);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", pem as ArrayBuffer, algorithm, false, [
    "sign",
  ]);
  const expiresOn = new Date(now.getTime() + days * day);
  const made = await x509.X509CertificateGenerator.create({
    subject: "O=CloudFlare\\, Inc., OU=A fake origin CA, CN=CloudFlare Origin Certificate",
    issuer,
    notBefore: now,
    notAfter: expiresOn,
    publicKey: request.publicKey,
    signingKey: signingKey as never,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(hostnames.map((value) => ({ type: "dns" as const, value }))),
    ],
  });
  return { certificate: made.toString("pem"), expiresOn };
};
