import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "../providers/tls/x509.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const lifetimeMs = 10 * 365 * 24 * 60 * 60 * 1000;

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

/**
 * A server's certificate for these names and addresses, its key, and the authority that signed it and nothing else; PEM.
 * @param whose whose service it is, for the authority's name
 */
export async function certifyServer(
  names: readonly string[],
  whose = "Supabase",
): Promise<{ ca: string; certificate: string; key: string }> {
  const [issuer, subject] = [`CN=A fake root CA of ${whose}`, `CN=a fake server of ${whose}`];
  const period = { notBefore: new Date(), notAfter: new Date(Date.now() + lifetimeMs) };
  const [authority, own] = [await newKeys(), await newKeys()];
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: issuer, ...period, signingAlgorithm: algorithm, keys: authority as never },
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    ...{ subject, issuer, ...period, signingAlgorithm: algorithm },
    publicKey: own.publicKey as never,
    signingKey: authority.privateKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value })),
      ),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
  return {
    ca: ca.toString("pem"),
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(key, "PRIVATE KEY"),
  };
}
