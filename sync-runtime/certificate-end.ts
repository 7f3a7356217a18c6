import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Gauge } from "prom-client";

/** A certificate and its last moment. */
export interface CertificateEnd {
  /** Its URI, `urn:owui:node:main:a`; an authority's common name. */
  name: string;
  /** Seconds since 1970. */
  expires: number;
}

/** Ends of the certificates in PEM files, which may hold several, as they lie there now. */
export async function certificateEnds(files: readonly string[]): Promise<CertificateEnd[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts.flatMap(certificatesIn).map(endOf);
}

/** The certificates of a file's text, in their order. */
export const certificatesIn = (text: string): X509Certificate[] =>
  (text.match(PEM) ?? []).map((pem) => new X509Certificate(pem));

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** When a certificate ends, and how it is called. */
export function endOf({ subjectAltName, subject, validToDate }: X509Certificate): CertificateEnd {
  // Node quotes a name that holds a comma: nothing else can be read as this one.
  const uri = subjectAltName?.split(", ").find((name) => name.startsWith("URI:"));
  const name = uri?.slice("URI:".length) ?? /^CN=(.+)$/m.exec(subject ?? "")?.[1] ?? "unnamed";
  return { name, expires: validToDate.getTime() / 1000 };
}

/**
 * A gauge of when certificates end, read from their files with every scrape: they are replaced while a program runs.
 * While files cannot be read, it stays as it was.
 * @param others certificates that are in none of them
 */
export const certificateGauge = (
  files: readonly string[],
  others: () => CertificateEnd[] = () => [],
): Gauge<"certificate"> =>
  new Gauge({
    name: "certificate_expires_timestamp_seconds",
    help: "When a certificate that this program uses ends, by its URI or its common name",
    labelNames: ["certificate"],
    registers: [],
    async collect() {
      const ends = await certificateEnds(files).catch(() => undefined);
      if (!ends) return;
      this.reset();
      for (const { name, expires } of [...ends, ...others()]) this.set({ certificate: name }, expires);
    },
  });
