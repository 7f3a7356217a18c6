import { describe, expect, it } from "vitest";
import { nginxConfig, nginxHealthTest } from "../../../components/host/nginx.ts";

const http = { address: "127.0.0.1", port: 8080 };
const https = { address: "0.0.0.0", port: 443 };

describe("nginx' main configuration", () => {
  const main = nginxConfig({ http });

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

describe("nginx' main configuration of a host that offers TLS", () => {
  const main = nginxConfig({ http, https });

  it.each([
    ["speaks no old TLS", "ssl_protocols TLSv1.2 TLSv1.3;"],
    ["ends a handshake for a name it does not know", "ssl_reject_handshake on;"],
    ["lets no session be resumed, which would skip a proxy's certificate", "ssl_session_cache off;"],
    ["nor by a ticket", "ssl_session_tickets off;"],
    ["offers HTTP/2", "listen 0.0.0.0:443 ssl http2 default_server;"],
    ["still answers plain HTTP", "listen 127.0.0.1:8080 default_server;"],
  ])("%s", (_, directive) => {
    expect(main).toContain(directive);
  });

  it("is otherwise the one of a host without", () => {
    const plain = nginxConfig({ http }).split("\n");
    expect(main.split("\n").filter((line) => line !== "" && plain.includes(line))).toEqual(
      expect.arrayContaining(plain.filter((line) => line !== "")),
    );
    expect(nginxConfig({ http })).not.toContain("ssl");
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
