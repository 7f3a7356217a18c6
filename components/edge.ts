import * as pulumi from "@pulumi/pulumi";
import type { CertificateAuthority } from "./certificate-authority.ts";
import type { ClientHost } from "./client-host.ts";
import type { TenantSpec } from "./fleet-config.ts";
import { certificateFile, type SiteTls, siteConfig, siteFile } from "./host/site.ts";

/** Arguments of {@link Edge}. */
export interface EdgeArgs {
  /** Certifies sites that nobody else does. */
  authority: CertificateAuthority;
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

/** How users come to tenants: a site in their host's nginx, and the certificate it shows. */
export class Edge {
  private readonly args: EdgeArgs;

  constructor(args: EdgeArgs) {
    this.args = args;
  }

  /** Makes a tenant reachable, below `opts.parent` and behind `opts.dependsOn`. */
  openSite(
    name: string,
    { host, spec, again }: OpenedSite,
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
  ): void {
    const { id: tenant, domain, port } = spec;
    const formerDomains = currentDomains(spec, this.args.today);
    const certified = spec.certificate
      ? this.certify(name, host, spec, [domain, ...formerDomains], opts)
      : undefined;
    const config = siteConfig(host.spec, {
      ...{ tenant, domain, port, formerDomains },
      ...(certified ? { tls: certified.tls } : {}),
    });
    const after = certified ? [...opts.dependsOn, certified.resource] : opts.dependsOn;
    host.nginxFile(`${name}-site`, siteFile(tenant), config, { ...opts, dependsOn: after }, again);
  }

  private certify(
    name: string,
    host: ClientHost,
    { id }: TenantSpec,
    domains: string[],
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
  ): { tls: SiteTls; resource: pulumi.Resource } {
    const subject = { dns: domains, uses: ["server_auth" as const] };
    const { certificate, key } = this.args.authority.issue(`${name}-site`, subject, opts.parent);
    const file = `tls/${id}.pem`;
    const content = pulumi.all([certificate, key]).apply((pems) => certificateFile(...pems));
    const resource = host.nginxCertificate(`${name}-site-tls`, file, content, opts);
    // Browsers that were once told to would refuse plain HTTP at a name of this machine's for a year.
    return { tls: { certificate: file, hsts: false }, resource };
  }
}

/** Names that still lead to the one a tenant has, sorted. */
export const currentDomains = ({ formerDomains }: TenantSpec, today: string): string[] =>
  formerDomains
    .filter(({ until }) => today <= until)
    .map(({ domain }) => domain)
    .sort();
