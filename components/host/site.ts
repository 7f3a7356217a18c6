import type { TenantSpec } from "../fleet-config/model.ts";
import { type Front, type Listen, listenAddress, nginxConfigDirectory } from "./nginx.ts";

/** One tenant as nginx sees it. */
export interface Site {
  /** Tenant id, for the access log. */
  tenant: string;
  domain: string;
  /** Port of its container on the host's loopback. */
  port: number;
  /** Names it had before, which lead to the one it has. */
  formerDomains: string[];
  /** Absent: plain HTTP. */
  tls?: SiteTls;
}

/** How a site is served over TLS. */
export interface SiteTls {
  /** File that holds its certificates and its key, PEM; relative to the configuration's directory. */
  certificate: string;
  /** Whether an authority that speaks ACME may ask for {@link challengeDirectory} over plain HTTP. */
  challenges?: boolean;
  /** Whether browsers are told never to come by plain HTTP again. */
  hsts: boolean;
  /** Only a proxy is let in: from its networks ({@link proxyFiles}), and with a certificate by these authorities, PEM. */
  proxyAuthorities?: string;
}

/** Names that still lead to the one a tenant has, sorted. */
export const currentDomains = (
  { formerDomains }: Pick<TenantSpec, "formerDomains">,
  today: string,
): string[] =>
  formerDomains
    .filter(({ until }) => today <= until)
    .map(({ domain }) => domain)
    .sort();

/** How a site is served for which no proxy stands; undefined: over plain HTTP. */
export function siteTls({ id, certificate }: Pick<TenantSpec, "id" | "certificate">): SiteTls | undefined {
  if (certificate === undefined) return undefined;
  return certificate === "acme" ? acmeTls(id) : ownTls(id);
}

/** Of a site that an authority certifies which speaks ACME. */
export const acmeTls = (tenant: string): SiteTls => ({
  ...{ certificate: `acme/certificates/${tenant}.pem`, hsts: true, challenges: true },
});

/** The file of a certificate that `up` issues, relative to the configuration's directory. */
export const certificateOf = (tenant: string): string => `tls/${tenant}.pem`;

/** Of a site that the stack itself certifies: browsers that were told to would refuse plain HTTP at its name for a year. */
export const ownTls = (tenant: string): SiteTls => ({ certificate: certificateOf(tenant), hsts: false });

/** One file of certificates and their key, so that nginx never reads one of each that do not belong together. */
export const certificateFile = (...pems: string[]): string => pems.map((pem) => `${pem.trim()}\n`).join("");

/** Where nginx finds answers to an authority that speaks ACME. */
export const challengeDirectory = `${nginxConfigDirectory}/acme/challenge`;

/** The file of a site, relative to the configuration's directory. */
export const siteFile = (tenant: string): string => `sites/${tenant}.conf`;

/** One tenant's file: everything that leads to it, and nothing else. */
export const siteConfig = (front: Front, site: Site): string =>
  [
    upstream(site),
    ...(site.tls && front.https
      ? [
          redirect(
            front.http,
            site,
            [site.domain, ...site.formerDomains],
            308,
            siteUrl(front, site.domain),
            undefined,
            site.tls,
          ),
          application(front.https, site, site.tls),
          ...formerNames(front.https, site, siteUrl(front, site.domain), site.tls),
        ]
      : [application(front.http, site), ...formerNames(front.http, site, siteUrl(front, site.domain))]),
  ].join("\n");

/** A tenant that has moved to another host, as the nginx of the one it left sees it. */
export interface MovedSite {
  tenant: string;
  domain: string;
  /** File of certificates and key that are shown, relative to the configuration's directory. */
  certificate: string;
  /** IPv4 address and port of the other host's nginx. */
  address: string;
  port: number;
  /** File of the authorities of what that shows; absolute, or relative to the configuration's directory. */
  authorities: string;
}

/** A site that leads on to the host where its tenant is: whoever comes there is let through, past no check. */
export const forwardConfig = (
  { http, https }: Front & { https: Listen },
  { tenant, domain, certificate, address, port, authorities }: MovedSite,
): string =>
  [
    "# forwards to the host where the tenant is",
    `upstream tenant-${tenant} {
  server ${address}:${port};
  keepalive 16;
}
`,
    redirect(http, { tenant }, [domain], 308, siteUrl({ http, https }, domain)),
    application(
      https,
      { tenant, domain },
      { certificate, hsts: false },
      `

  # Nobody else is taken for that host.
  proxy_ssl_server_name on;
  proxy_ssl_name ${domain};
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 4;
  proxy_ssl_trusted_certificate ${authorities};`,
    ),
  ].join("\n");

/** The address users open. */
export const siteUrl = ({ http, https }: Front, domain: string): string =>
  https
    ? `https://${domain}${https.port === 443 ? "" : `:${https.port}`}`
    : `http://${domain}${http.port === 80 ? "" : `:${http.port}`}`;

const upstream = ({ tenant, port }: Site): string => `upstream tenant-${tenant} {
  server 127.0.0.1:${port};
  keepalive 16;
}
`;

/** Where one name is listened for, and what it shows there. */
const listening = (listen: Listen, names: string[], tls?: SiteTls): string => `
  listen ${listenAddress(listen)}${tls ? " ssl http2" : ""};
  server_name ${names.join(" ")};${tls ? certificateLines(tls) : ""}`;

const certificateLines = ({ certificate, proxyAuthorities }: SiteTls): string => `
  ssl_certificate ${certificate};
  ssl_certificate_key ${certificate};${
    proxyAuthorities === undefined
      ? ""
      : `
  ssl_client_certificate ${proxyAuthorities};
  ssl_verify_client on;
  ssl_verify_depth 1;`
  }`;

/** Whoever is not the proxy gets nothing; who comes through it is who the proxy says it is. */
const proxyLines = (tls: SiteTls | undefined): string =>
  tls?.proxyAuthorities === undefined
    ? ""
    : `
  if ($from_proxy = 0) {
    return 444;
  }
  include proxy.conf;`;

/**
 * What sites behind a proxy share, by file: whether a connection comes from the proxy's networks, and whom to believe
 * about a visitor's address.
 */
export const proxyFiles = (networks: string[]): Record<"shared/proxy.conf" | "proxy.conf", string> => ({
  "shared/proxy.conf": [
    "# $realip_remote_addr is who connected, whatever a request says.",
    "geo $realip_remote_addr $from_proxy {",
    "  default 0;",
    ...networks.map((network) => `  ${network} 1;`),
    "}",
    "",
  ].join("\n"),
  "proxy.conf": [
    ...networks.map((network) => `set_real_ip_from ${network};`),
    "real_ip_header CF-Connecting-IP;",
    "",
  ].join("\n"),
});

/** What the application is told it was asked as: never what a request says, which may be anything. */
const authorityOf = ({ port }: Listen, domain: string, tls: SiteTls | undefined): string =>
  port === (tls ? 443 : 80) ? domain : `${domain}:${port}`;

const application = (
  listen: Listen,
  { tenant, domain }: Pick<Site, "tenant" | "domain">,
  tls?: SiteTls,
  beyond?: string,
): string => {
  // What lies beyond is another host's nginx, and speaks TLS.
  const upstreamUrl = `${beyond === undefined ? "http" : "https"}://tenant-${tenant}`;
  return `server {${listening(listen, [domain], tls)}
  set $tenant ${tenant};${proxyLines(tls)}${beyond ?? ""}

  add_header X-Content-Type-Options nosniff always;
  add_header X-Frame-Options SAMEORIGIN always;
  add_header Referrer-Policy strict-origin-when-cross-origin always;
  add_header X-Permitted-Cross-Domain-Policies none always;
  add_header Cache-Control $cache_policy;${
    tls?.hsts
      ? `
  add_header Strict-Transport-Security "max-age=31536000" always;`
      : ""
  }

  proxy_set_header Host ${authorityOf(listen, domain, tls)};
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_header;

  location / {
    proxy_pass ${upstreamUrl};
  }

  # Answers of models arrive word by word, and take as long as they take.
  location /api/ {
    proxy_pass ${upstreamUrl};
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1800s;
    proxy_send_timeout 1800s;
  }

  location /ws/ {
    proxy_pass ${upstreamUrl};
    proxy_read_timeout 24h;
    proxy_send_timeout 24h;
  }
}
`;
};

/** Names that only lead elsewhere; the path comes along. */
const redirect = (
  listen: Listen,
  { tenant }: Pick<Site, "tenant">,
  names: string[],
  status: 307 | 308,
  url: string,
  tls?: SiteTls,
  served = tls,
): string => `server {${listening(listen, names, tls)}
  set $tenant ${tenant};${proxyLines(served)}${
    served?.challenges
      ? `

  location ^~ /.well-known/acme-challenge/ {
    root ${challengeDirectory};
    default_type text/plain;
  }
  location / {
    return ${status} ${url}$request_uri;
  }`
      : `
  return ${status} ${url}$request_uri;`
  }
}
`;

/** For a time, so no browser may remember it for good: the name may become another site's. */
const formerNames = (listen: Listen, site: Site, url: string, tls?: SiteTls): string[] =>
  site.formerDomains.length === 0 ? [] : [redirect(listen, site, site.formerDomains, 307, url, tls)];
