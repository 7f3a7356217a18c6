import { describe, expect, it } from "vitest";
import {
  nginxConfig,
  nginxHealthTest,
  siteConfig,
  siteFile,
  siteUrl,
} from "../../../components/host/nginx.ts";

const listen = { address: "127.0.0.1", port: 8080 };
const site = siteConfig(listen, { tenant: "acme", domain: "chat.acme.example", port: 18_001 });

/** The directives between a location's braces. */
const location = (path: string): string[] =>
  (site.split(`location ${path} {`)[1]?.split("}")[0] ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

describe("nginx' main configuration", () => {
  const main = nginxConfig(listen);

  it.each([
    ["answers no host name it does not know", "listen 127.0.0.1:8080 default_server;"],
    ["closes such a connection without a word", "return 444;"],
    ["takes uploads of 100 MB", "client_max_body_size 100M;"],
    ["leaves compression to the application", "gzip off;"],
    ["does not say which nginx it is", "server_tokens off;"],
    ["lets WebSockets outlive a reload", "worker_shutdown_timeout 24h;"],
    ["keeps answers out of its own memory", "proxy_max_temp_file_size 0;"],
    ["takes one file a tenant", "include sites/*.conf;"],
  ])("%s", (_, directive) => {
    expect(main).toContain(directive);
  });

  it("writes nowhere but to /tmp and its standard streams", () => {
    const paths = main.match(/(?:pid|_temp_path|access_log|error_log) \S+/g) ?? [];
    expect(paths.map((path) => path.split(" ")[1]?.replace(/;$/, ""))).toEqual([
      "/tmp/nginx.pid",
      "stderr",
      "/dev/stdout",
      "/tmp/client-body",
      "/tmp/proxy",
      "/tmp/fastcgi",
      "/tmp/uwsgi",
      "/tmp/scgi",
    ]);
  });
});

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

describe("a tenant's address", () => {
  it.each([
    [80, "http://acme.localhost"],
    [8080, "http://acme.localhost:8080"],
  ])("at port %i is %s", (port, url) => {
    expect(siteUrl({ address: "127.0.0.1", port }, "acme.localhost")).toBe(url);
  });
});

describe("nginx' health", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["192.0.2.7", "192.0.2.7"],
  ])("is asked, where it listens on %s, at %s", (address, asked) => {
    expect(nginxHealthTest({ address, port: 8080 })[1]).toContain(`http://${asked}:8080/;`);
  });
});
