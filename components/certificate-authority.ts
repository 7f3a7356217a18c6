import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

const year = 365 * 24;

/** Who a certificate speaks for and what it may do. */
export interface Subject {
  dns: string[];
  /** `urn:owui:…`, by which agents and nodes tell each other apart. */
  uri?: string;
  ip?: string[];
  uses: ("server_auth" | "client_auth")[];
}

/** A certificate and its key, PEM. */
export interface Identity {
  certificate: pulumi.Output<string>;
  /** Secret. */
  key: pulumi.Output<string>;
}

/** The stack's own authority: every certificate inside the fleet chains to it, and to nothing else. */
export class CertificateAuthority extends pulumi.ComponentResource {
  /** The authority's certificate, PEM, valid for ten years. */
  readonly certificate: pulumi.Output<string>;
  private readonly key: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("owui:fleet:CertificateAuthority", name, {}, opts);
    this.key = privateKey(`${name}-key`, this);
    this.certificate = this.selfSigned(name);
    this.registerOutputs({ certificate: this.certificate });
  }

  private selfSigned(name: string): pulumi.Output<string> {
    const certificate = new tls.SelfSignedCert(
      `${name}-certificate`,
      {
        privateKeyPem: this.key,
        subject: { commonName: name, organization: "open-webui-infrastructure" },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        validityPeriodHours: 10 * year,
      },
      { parent: this },
    );
    return certificate.certPem;
  }

  /**
   * Issues a certificate as children of `parent`: ECDSA P-256, valid for a year, made anew by the first `up` in
   * its last 90 days.
   */
  issue(name: string, { dns, uri, ip, uses }: Subject, parent: pulumi.Resource): Identity {
    const key = privateKey(`${name}-key`, parent);
    const request = new tls.CertRequest(
      `${name}-request`,
      {
        privateKeyPem: key,
        subject: { commonName: dns[0] },
        dnsNames: dns,
        ...(uri === undefined ? {} : { uris: [uri] }),
        ...(ip === undefined ? {} : { ipAddresses: ip }),
      },
      { parent },
    );
    const signed = new tls.LocallySignedCert(
      `${name}-certificate`,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: this.certificate,
        caPrivateKeyPem: this.key,
        allowedUses: ["digital_signature", ...uses],
        setSubjectKeyId: true,
        validityPeriodHours: year,
        earlyRenewalHours: 90 * 24,
      },
      { parent },
    );
    return { certificate: signed.certPem, key };
  }
}

const privateKey = (name: string, parent: pulumi.Resource): pulumi.Output<string> =>
  new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent }).privateKeyPemPkcs8;
