import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

const day = 24;
const year = 365 * day;

/**
 * How long a certificate is valid, and from which age on an `up` makes a new one, in hours. After every `up` each of
 * them has a year left at least, so that a stack which nobody touches for a year goes on; a renewal restarts nothing,
 * so that it may come often.
 */
export const lifetime = { validityPeriodHours: year + 90 * day, earlyRenewalHours: year };

/** The same of an authority. It is certified anew, for the key it has, long before it could end ahead of what it issued. */
export const authorityLifetime = { validityPeriodHours: 10 * year, earlyRenewalHours: 2 * year };

/** Who a certificate speaks for and what it may do. */
export interface Subject {
  dns: string[];
  /** `urn:owui:…`, by which agents and nodes tell each other apart. */
  uri?: string;
  ip?: pulumi.Input<string>[];
  uses: ("server_auth" | "client_auth")[];
}

/** A certificate and its key, PEM. */
export interface Identity {
  certificate: pulumi.Output<string>;
  /** Secret. */
  key: pulumi.Output<string>;
}

/** Arguments of {@link CertificateAuthority}. */
export interface CertificateAuthorityArgs {
  /** Which authority issues, counted from 1. The next one is made and believed as well, for the day it takes over. */
  generation: number;
}

/**
 * The stack's own authority: every certificate inside the fleet chains to it, and to nothing else. There are always two
 * of them, one that issues and the next, and everybody believes both. So a change of authority begins with what all
 * have long believed, wherever an `up` may be broken off.
 */
export class CertificateAuthority extends pulumi.ComponentResource {
  /** The authorities that everybody believes, PEM: first that which issues, then the next. */
  readonly certificate: pulumi.Output<string>;
  /** Commands behind which everybody believes {@link certificate}: whoever shows what it issued waits for them. */
  readonly believed: pulumi.Resource[] = [];
  /** Commands behind which nobody shows what an earlier authority issued. */
  readonly shown: pulumi.Resource[] = [];
  private readonly generation: number;
  private readonly issuer: Identity;
  /** Another value from the 90th day on, and keys with it, which know no time themselves. */
  private readonly term: pulumi.Output<string>;

  constructor(
    name: string,
    { generation }: CertificateAuthorityArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("owui:fleet:CertificateAuthority", name, {}, opts);
    this.generation = generation;
    this.issuer = this.createAuthority(name, generation);
    const next = this.createAuthority(name, generation + 1);
    this.term = this.createTerm(numbered(`${name}-term`, generation));
    this.certificate = pulumi.concat(this.issuer.certificate, next.certificate);
    this.registerOutputs({ certificate: this.certificate });
  }

  private createAuthority(name: string, generation: number): Identity {
    const key = privateKey(numbered(`${name}-key`, generation), { parent: this });
    const { certPem } = new tls.SelfSignedCert(
      numbered(`${name}-certificate`, generation),
      {
        privateKeyPem: key,
        subject: { commonName: numbered(name, generation), organization: "open-webui-infrastructure" },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        ...authorityLifetime,
      },
      { parent: this },
    );
    return { certificate: certPem, key };
  }

  /** A certificate of nobody's, which is made anew when all others are due: only its id is of use. */
  private createTerm(name: string): pulumi.Output<string> {
    const args = { privateKeyPem: this.issuer.key, subject: { commonName: name }, allowedUses: [] };
    return new tls.SelfSignedCert(name, { ...args, ...lifetime }, { parent: this }).id;
  }

  /** Issues a certificate as children of `parent`, ECDSA P-256, for the {@link lifetime}, with a key that is as young. */
  issue(name: string, { dns, uri, ip, uses }: Subject, parent: pulumi.Resource): Identity {
    const term = { parent, replacementTrigger: this.term };
    const key = privateKey(numbered(`${name}-key`, this.generation), term);
    const request = new tls.CertRequest(
      numbered(`${name}-request`, this.generation),
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
      numbered(`${name}-certificate`, this.generation),
      {
        certRequestPem: request.certRequestPem,
        caCertPem: this.issuer.certificate,
        caPrivateKeyPem: this.issuer.key,
        allowedUses: ["digital_signature", ...uses],
        setSubjectKeyId: true,
        ...lifetime,
      },
      { parent },
    );
    return { certificate: signed.certPem, key };
  }
}

/** A name of what each authority has anew. */
const numbered = (name: string, generation: number): string =>
  generation === 1 ? name : `${name}-${generation}`;

const privateKey = (name: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> =>
  new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, opts).privateKeyPemPkcs8;
