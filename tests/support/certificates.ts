import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/** A certificate and its private key, PEM. */
export interface Credentials {
  certificate: string;
  key: string;
}

/** What a certificate is for. */
interface Purpose {
  uris?: string[];
  dns?: string[];
  usages: string[];
  notAfter?: Date;
  notBefore?: Date;
}

/** A certificate authority of a test, like the one of a stack. */
export class TestAuthority {
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  #serial = 1;

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
  }

  /** @param name as X.509 writes it; an impostor bears the name of another */
  static async create(name = "CN=test authority"): Promise<TestAuthority> {
    x509.cryptoProvider.set(webcrypto);
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: "01",
      name,
      ...lifetime(),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new TestAuthority(certificate, keys);
  }

  /** The authority's own certificate, PEM. */
  get certificate(): string {
    return this.#certificate.toString("pem");
  }

  /** A host's agent: a server only. Of several hosts: one that stands for all their agents. */
  agent(...hosts: string[]): Promise<Credentials> {
    return this.#issue({
      uris: hosts.map((host) => `urn:owui:agent:${host}`),
      dns: [...hosts.map((host) => `agent.${host}`), "localhost"],
      usages: [SERVER_AUTH],
    });
  }

  /** A host's writer: a server only. */
  writer(host: string): Promise<Credentials> {
    return this.#issue({
      uris: [`urn:owui:writer:${host}`],
      dns: [`writer.${host}`, "localhost"],
      usages: [SERVER_AUTH],
    });
  }

  /** A node of a cluster: server and client. */
  node(cluster: string, node: string, notAfter?: Date, notBefore?: Date): Promise<Credentials> {
    return this.#issue({
      uris: [`urn:owui:node:${cluster}:${node}`],
      dns: ["localhost"],
      usages: [SERVER_AUTH, CLIENT_AUTH],
      ...(notAfter && { notAfter }),
      ...(notBefore && { notBefore }),
    });
  }

  /** A web server of these names. */
  site(...names: string[]): Promise<Credentials> {
    return this.#issue({ dns: names, usages: [SERVER_AUTH] });
  }

  /** A client that is no node. */
  client(uri?: string): Promise<Credentials> {
    return this.#issue({ uris: uri ? [uri] : [], dns: ["localhost"], usages: [CLIENT_AUTH] });
  }

  async #issue({ uris = [], dns = [], usages, notAfter, notBefore }: Purpose): Promise<Credentials> {
    const keys = await generateKeys();
    const names = [
      ...dns.map((value) => ({ type: "dns" as const, value })),
      ...uris.map((value) => ({ type: "url" as const, value })),
    ];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (++this.#serial).toString(16).padStart(2, "0"),
      subject: "CN=test",
      issuer: this.#certificate.subject,
      ...lifetime(),
      ...(notAfter && { notAfter }),
      ...(notBefore && { notBefore }),
      signingKey: this.#keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension(names),
        new x509.ExtendedKeyUsageExtension(usages),
      ],
    });
    const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { certificate: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
  }
}

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

const lifetime = () => ({
  notBefore: new Date(Date.now() - 3_600_000),
  notAfter: new Date(Date.now() + 24 * 3_600_000),
});
