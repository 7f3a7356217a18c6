import { describe, expect, it } from "vitest";
import { forwardConfig, type Site, siteConfig, siteFile, siteUrl } from "../../../components/host/site.ts";

const site = siteConfig(
  { http: { address: "127.0.0.1", port: 8080 } },
  { tenant: "acme", domain: "chat.acme.example", port: 18_001, formerDomains: [] },
);

/** The directives between a location's braces. */
const location = (path: string): string[] =>
  (site.split(`location ${path} {`)[1]?.split("}")[0] ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

describe("a tenant's site", () => {
  it("lies in a file of its own", () => {
    expect(siteFile("acme")).toBe("sites/acme.conf");
  });

  it("leads from its host name to its port on the loopback, and to nothing else", () => {
    expect(site).toContain("server_name chat.acme.example;");
    expect(site.match(/server \d.*;/g)).toEqual(["server 127.0.0.1:18001;"]);
    expect(site.match(/proxy_pass .*;/g)).toEqual(Array(3).fill("proxy_pass http://tenant-acme;"));
  });

  it("hands words of a model on as they come, for half an hour", () => {
    expect(location("/api/")).toEqual([
      "proxy_pass http://tenant-acme;",
      "proxy_buffering off;",
      "proxy_request_buffering off;",
      "proxy_read_timeout 1800s;",
      "proxy_send_timeout 1800s;",
    ]);
  });

  it("keeps a WebSocket for a day", () => {
    expect(location("/ws/")).toEqual([
      "proxy_pass http://tenant-acme;",
      "proxy_read_timeout 24h;",
      "proxy_send_timeout 24h;",
    ]);
  });

  it("sends security headers, of which none promises TLS over plain HTTP", () => {
    expect(site.match(/add_header \S+/g)).toEqual([
      "add_header X-Content-Type-Options",
      "add_header X-Frame-Options",
      "add_header Referrer-Policy",
      "add_header X-Permitted-Cross-Domain-Policies",
      "add_header Cache-Control",
    ]);
    expect(site).not.toContain("Strict-Transport-Security");
  });

  it("believes nobody's word on where a request comes from", () => {
    expect(site).toContain("proxy_set_header X-Forwarded-For $remote_addr;");
  });
});

describe("a tenant's site over TLS", () => {
  const front = { http: { address: "0.0.0.0", port: 80 }, https: { address: "0.0.0.0", port: 443 } };
  const plain = { tenant: "acme", domain: "chat.acme.example", port: 18_001, formerDomains: [] };
  const tls = { certificate: "tls/acme.pem", hsts: true };
  const servers = (changed: Partial<Site> = {}) =>
    siteConfig(front, { ...plain, tls, ...changed })
      .split(/^server /m)
      .slice(1);

  it("is served there alone; plain HTTP only leads to it", () => {
    const [http = "", https = "", ...others] = servers();
    expect(others).toEqual([]);
    expect(http).toContain("listen 0.0.0.0:80;");
    expect(http).toContain("return 308 https://chat.acme.example$request_uri;");
    expect(http).not.toContain("proxy_pass");
    expect(https).toContain("listen 0.0.0.0:443 ssl http2;");
    expect(https).toContain("proxy_pass http://tenant-acme;");
  });

  it("shows the certificate of its file", () => {
    expect(servers()[1]).toContain("ssl_certificate tls/acme.pem;\n  ssl_certificate_key tls/acme.pem;");
  });

  it("has browsers remember TLS where it is told to", () => {
    const header = 'add_header Strict-Transport-Security "max-age=31536000" always;';
    expect(servers()[1]).toContain(header);
    expect(servers({ tls: { ...tls, hsts: false } })[1]).not.toContain("Strict-Transport-Security");
  });

  it("is found under former names, which no browser may remember", () => {
    const [http = "", , former = ""] = servers({ formerDomains: ["old.example", "older.example"] });
    expect(http).toContain("server_name chat.acme.example old.example older.example;");
    expect(former).toContain("server_name old.example older.example;");
    expect(former).toContain("ssl_certificate tls/acme.pem;");
    expect(former).toContain("return 307 https://chat.acme.example$request_uri;");
  });

  it("is found under former names over plain HTTP as well", () => {
    const text = siteConfig({ http: front.http }, { ...plain, formerDomains: ["old.example"] });
    expect(text.split(/^server /m)[2]).toContain("return 307 http://chat.acme.example$request_uri;");
  });
});

describe("a tenant's address", () => {
  const at = (port: number) => ({ address: "127.0.0.1", port });
  it.each([
    [{ http: at(80) }, "http://acme.localhost"],
    [{ http: at(8080) }, "http://acme.localhost:8080"],
    [{ http: at(8080), https: at(8443) }, "https://acme.localhost:8443"],
    [{ http: at(80), https: at(443) }, "https://acme.localhost"],
  ])("at %j is %s", (front, url) => {
    expect(siteUrl(front, "acme.localhost")).toBe(url);
  });
});

describe("the site of a tenant that has moved", () => {
  const moved = forwardConfig(
    { http: { address: "0.0.0.0", port: 80 }, https: { address: "0.0.0.0", port: 443 } },
    {
      ...{ tenant: "acme", domain: "chat.acme.example", certificate: "tls/acme.pem" },
      ...{ address: "203.0.113.20", port: 443, authorities: "tls/acme.moved.pem" },
    },
  );

  it("leads to the other host alone, everything as a site does", () => {
    expect(moved.match(/server \d.*;/g)).toEqual(["server 203.0.113.20:443;"]);
    expect(moved.match(/proxy_pass .*;/g)).toEqual(Array(3).fill("proxy_pass https://tenant-acme;"));
    expect(moved).toContain("location /ws/");
    expect(moved).toContain("return 308 https://chat.acme.example$request_uri;");
  });

  it("believes nobody to be that host but who shows a certificate of the name, by an authority that is named", () => {
    for (const line of [
      "proxy_ssl_verify on;",
      "proxy_ssl_name chat.acme.example;",
      "proxy_ssl_server_name on;",
      "proxy_ssl_trusted_certificate tls/acme.moved.pem;",
    ])
      expect(moved).toContain(line);
  });
});
