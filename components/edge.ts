import * as pulumi from "@pulumi/pulumi";
import type { Acme } from "./acme.ts";
import type { CertificateAuthority, Identity } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import type { FrontProxy, NameService } from "./dns/name-service.ts";
import type { TenantSpec } from "./fleet-config.ts";
import {
  acmeTls,
  certificateFile,
  certificateOf,
  currentDomains,
  ownTls,
  proxyFiles,
  type SiteTls,
  siteConfig,
  siteFile,
} from "./host/site.ts";

/** Arguments of {@link Edge}. */
export interface EdgeArgs {
  /** Certifies sites that nobody else does. */
  authority: CertificateAuthority;
  /** Holds the names of sites. */
  names: NameService;
  /** Certifies sites whose host answers under their names; absent where none is certified so. */
  acme?: Acme | undefined;
  /** The day of this `up` in UTC, `2026-11-22`: former names whose day is over lead nowhere. */
  today: string;
}

/** Whose site is opened, and when. */
export interface OpenedSite {
  host: ClientHost;
  spec: TenantSpec;
  /** Opens it again when it changes. */
  again: pulumi.Input<string>;
}

/** A record that an operator has to set. */
export interface WantedRecord {
  domain: string;
  type: "A";
  content: pulumi.Output<string>;
}

/** What a site belongs to, and what has to be there before it. */
interface SiteOptions {
  parent: pulumi.Resource;
  dependsOn: pulumi.Resource[];
}

/** A site whose certificate is decided. */
interface Certified {
  tls?: SiteTls;
  /** What has to be there before nginx hears of it. */
  before: pulumi.Resource[];
}

/** How users come to tenants: the records of their names, their sites in their hosts' nginx, the certificates shown. */
export class Edge {
  /** Records that nobody but an operator can set. */
  readonly wanted: WantedRecord[] = [];
  private readonly args: EdgeArgs;
  private readonly proxyKnown = new Map<ClientHost, pulumi.Resource[]>();

  constructor(args: EdgeArgs) {
    this.args = args;
  }

  /** Makes a tenant reachable, below `opts.parent` and behind `opts.dependsOn`: last of all by its names. */
  openSite(name: string, { host, spec, again }: OpenedSite, opts: SiteOptions): void {
    const { id: tenant, domain, port } = spec;
    const formerDomains = currentDomains(spec, this.args.today);
    const { tls, before } = this.certified(name, host, spec, [domain, ...formerDomains], opts);
    const config = siteConfig(host.spec, { tenant, domain, port, formerDomains, ...(tls ? { tls } : {}) });
    const after = { ...opts, dependsOn: [...opts.dependsOn, ...before] };
    const site = host.nginxFile(`${name}-site`, siteFile(tenant), config, after, again);
    const domains = [domain, ...formerDomains];
    const named = domains.flatMap((each) => this.name(name, each, host, spec, opts.parent, site));
    if (spec.certificate === "acme")
      this.args.acme?.request(name, { host, tenant, domains }, spec.admin.email, {
        ...{ parent: opts.parent, dependsOn: [site, ...named] },
      });
  }

  private certified(
    name: string,
    host: ClientHost,
    { id, certificate }: Pick<TenantSpec, "id" | "certificate">,
    domains: string[],
    opts: SiteOptions,
  ): Certified {
    const file = certificateOf(id);
    const { acme } = this.args;
    const { proxy } = this.args.names;
    if (certificate === undefined) return { before: [] };
    if (certificate === "origin-ca" && proxy) {
      const before = [
        this.install(name, host, file, proxy.certify(name, domains, opts.parent), opts),
        this.admitProxy(name, host, id, domains, proxy, opts),
        ...this.knowProxy(host, proxy),
      ];
      return { tls: { certificate: file, hsts: true, proxyAuthorities: proxyAuthorities(id) }, before };
    }
    const subject = { dns: domains, uses: ["server_auth" as const] };
    const identity = this.args.authority.issue(`${name}-site`, subject, opts.parent);
    if (certificate === "acme" && acme) {
      const before = [acme.want(name, { host, tenant: id, domains, meanwhile: identity }, opts)];
      return { tls: acmeTls(id), before };
    }
    return { tls: ownTls(id), before: [this.install(name, host, file, identity, opts)] };
  }

  private install(
    name: string,
    host: ClientHost,
    file: string,
    { certificate, key }: Identity,
    opts: SiteOptions,
  ): pulumi.Resource {
    const content = pulumi.all([certificate, key]).apply((pems) => certificateFile(...pems));
    return host.nginxCertificate(`${name}-site-tls`, file, content, opts);
  }

  /** The host believes another certificate only once the proxy shows it: until then it believes the former as well. */
  private admitProxy(
    name: string,
    host: ClientHost,
    tenant: string,
    domains: string[],
    proxy: FrontProxy,
    opts: SiteOptions,
  ): pulumi.Resource {
    const shown = proxy.introduce(name, domains, opts.parent);
    const after = { ...opts, dependsOn: [...opts.dependsOn, ...shown] };
    return host.nginxFile(`${name}-site-proxy`, proxyAuthorities(tenant), proxy.authorities, after);
  }

  /** Tells a host's nginx once which networks the proxy comes from. */
  private knowProxy(host: ClientHost, { networks }: FrontProxy): pulumi.Resource[] {
    const files =
      this.proxyKnown.get(host) ??
      (["shared/proxy.conf", "proxy.conf"] as const).map((file) =>
        host.nginxFile(
          `${host.spec.id}-${file === "proxy.conf" ? "proxy-visitors" : "proxy-networks"}`,
          file,
          networks.apply((known) => proxyFiles(known)[file]),
          { parent: host, dependsOn: [host.front] },
        ),
      );
    this.proxyKnown.set(host, files);
    return files;
  }

  /** Names of this machine lead to it without anybody's help. */
  private name(
    name: string,
    domain: string,
    host: ClientHost,
    { id: tenant, proxied }: TenantSpec,
    parent: pulumi.Resource,
    site: pulumi.Resource,
  ): pulumi.Resource[] {
    if (host.spec.kind === "local") return [];
    const { address } = host.machine;
    const opts = { parent, dependsOn: [site] };
    const set = this.args.names.record(name, { domain, address, proxied, tenant }, opts);
    if (!set) this.wanted.push({ domain, type: "A", content: address });
    return set ? [set] : [];
  }
}

/** The file of the authorities by which a tenant's site knows its proxy. */
const proxyAuthorities = (tenant: string): string => `tls/${tenant}.proxy.pem`;
