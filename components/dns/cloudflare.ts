import * as cloudflare from "@pulumi/cloudflare";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { CertificateAuthority, Identity } from "../certificate-authority.ts";
import { zoneOf } from "../fleet-config/dns-entry.ts";
import type { FrontProxy, NameRecord, NameService } from "./name-service.ts";

/** Seconds that resolvers may keep a record whose host is reached directly. */
const directTtl = 300;

/** Cloudflare decides itself for how long its own proxy's addresses may be kept. */
const automaticTtl = 1;

/** Zones of a Cloudflare account, and Cloudflare's proxy in front of what is proxied. */
export class CloudflareNames implements NameService {
  readonly proxy: FrontProxy;
  private readonly zones: readonly string[];
  private readonly ids = new Map<string, pulumi.Output<string>>();

  constructor(zones: readonly string[], createAuthority: (name: string) => CertificateAuthority) {
    this.zones = zones;
    this.proxy = new CloudflareProxy((domain) => this.zone(domain), createAuthority);
  }

  record(
    name: string,
    { domain, address, proxied, tenant }: NameRecord,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource | undefined {
    if (!zoneOf(domain, this.zones)) return undefined;
    return new cloudflare.DnsRecord(
      `${name}-record-${domain}`,
      {
        ...{ zoneId: this.zone(domain).id, type: "A", name: domain, content: address, proxied },
        ttl: proxied ? automaticTtl : directTtl,
        comment: `open-webui-infrastructure: ${pulumi.getStack()}/${tenant}`,
      },
      opts,
    );
  }

  /** The zone of a name that lies in one, asked for once. */
  private zone(domain: string): { name: string; id: pulumi.Output<string> } {
    const name = zoneOf(domain, this.zones);
    if (name === undefined) throw new RangeError(`${domain} lies in no zone of dns.zones`);
    const id =
      this.ids.get(name) ??
      pulumi.output(cloudflare.getZone({ filter: { name } })).apply(({ zoneId }) => zoneId ?? "");
    this.ids.set(name, id);
    return { name, id };
  }
}

/** Cloudflare's proxy: certificates of its Origin CA, and authenticated origin pulls by host name. */
class CloudflareProxy implements FrontProxy {
  private readonly zoneOf: (domain: string) => { name: string; id: pulumi.Output<string> };
  private readonly createAuthority: (name: string) => CertificateAuthority;
  private readonly secured = new Map<string, pulumi.Resource[]>();
  private authority: CertificateAuthority | undefined;
  private asked: pulumi.Output<string[]> | undefined;

  constructor(
    zoneOf: (domain: string) => { name: string; id: pulumi.Output<string> },
    createAuthority: (name: string) => CertificateAuthority,
  ) {
    this.zoneOf = zoneOf;
    this.createAuthority = createAuthority;
  }

  get networks(): pulumi.Output<string[]> {
    this.asked ??= pulumi
      .output(cloudflare.getIpRanges())
      .apply(({ ipv4Cidrs, ipv6Cidrs }) => [...ipv4Cidrs, ...ipv6Cidrs].sort());
    return this.asked;
  }

  get authorities(): pulumi.Output<string> {
    return this.pulls().certificate;
  }

  /** Of its own: what the stack's authority issues inside the fleet must open no site. */
  private pulls(): CertificateAuthority {
    this.authority ??= this.createAuthority("origin-pulls");
    return this.authority;
  }

  certify(name: string, domains: string[], parent: pulumi.Resource): Identity {
    const key = new tls.PrivateKey(
      `${name}-origin-key`,
      { algorithm: "ECDSA", ecdsaCurve: "P256" },
      { parent },
    ).privateKeyPemPkcs8;
    const [commonName = ""] = domains;
    const { certRequestPem } = new tls.CertRequest(
      `${name}-origin-request`,
      { privateKeyPem: key, subject: { commonName }, dnsNames: domains },
      { parent },
    );
    const { certificate } = new cloudflare.OriginCaCertificate(
      `${name}-origin-certificate`,
      { csr: certRequestPem, hostnames: domains, requestType: "origin-ecc", requestedValidity: 5475 },
      { parent },
    );
    return { certificate, key };
  }

  introduce(name: string, domains: string[], parent: pulumi.Resource): pulumi.Resource[] {
    const shown = this.pulls().issue(`${name}-pull`, { dns: [name], uses: ["client_auth"] }, parent);
    const uploads = new Map<string, pulumi.Output<string>>();
    return domains.flatMap((domain) => {
      const zone = this.zoneOf(domain);
      const certId =
        uploads.get(zone.name) ??
        new cloudflare.AuthenticatedOriginPullsHostnameCertificate(
          `${name}-pull-${zone.name}`,
          { zoneId: zone.id, certificate: shown.certificate, privateKey: shown.key },
          { parent },
        ).id;
      uploads.set(zone.name, certId);
      const pull = new cloudflare.AuthenticatedOriginPulls(
        `${name}-pulls-${domain}`,
        { zoneId: zone.id, configs: [{ hostname: domain, certId, enabled: true }] },
        { parent },
      );
      return [pull, ...this.secure(zone)];
    });
  }

  /** Settings of a zone without which its proxy would come by plain HTTP, or believe any host. */
  private secure({ name, id }: { name: string; id: pulumi.Output<string> }): pulumi.Resource[] {
    const settings =
      this.secured.get(name) ??
      Object.entries({ ssl: "strict", min_tls_version: "1.2" }).map(
        ([settingId, value]) =>
          new cloudflare.ZoneSetting(`zone-${name}-${settingId}`, { zoneId: id, settingId, value }),
      );
    this.secured.set(name, settings);
    return settings;
  }
}
