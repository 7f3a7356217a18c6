/** Where nginx finds its configuration inside its container; relative names in it start there. */
export const nginxConfigDirectory = "/etc/fleet";

/** An address nginx listens on. */
export interface Listen {
  address: string;
  port: number;
}

/** Where nginx takes requests: plain ones, and those over TLS where a host offers it. */
export interface Front {
  http: Listen;
  https?: Listen | undefined;
}

/** What follows certificates that come without an `up`, in the configuration's directory of a host that offers TLS. */
export const nginxStartFile = "start.sh";

/**
 * The part every site shares. Requests for a host name that no site has get no answer at all, so that scanning
 * the address tells nothing; over TLS already the handshake fails.
 */
export const nginxConfig = ({
  http,
  https,
}: Front): string => `# Written by the fleet; sites/ holds one file per tenant.
user nginx;
worker_processes auto;
worker_rlimit_nofile 16384;
# Workers of an older configuration live until their last WebSocket ends, for a day at most.
worker_shutdown_timeout 24h;
pid /tmp/nginx.pid;
error_log stderr warn;

events {
  worker_connections 4096;
}

http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  server_tokens off;
  log_format fleet escape=json '{"time":"$time_iso8601","tenant":"$tenant","client":"$remote_addr","method":"$request_method","path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time}';
  access_log /dev/stdout fleet;

  client_body_temp_path /tmp/client-body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  # Uploads of documents pass through here; Open WebUI compresses its own answers.
  client_max_body_size 100M;
  gzip off;
  sendfile on;
  keepalive_timeout 75s;
  server_names_hash_bucket_size 256;
  server_names_hash_max_size 8192;

  proxy_http_version 1.1;
  # A large answer to a slow reader waits in the application, not in this container's memory.
  proxy_max_temp_file_size 0;

  # A request that asks for a WebSocket gets one; any other leaves its connection to the tenant open for the next.
  map $http_upgrade $connection_header {
    "" "";
    default upgrade;
  }

  # Brand files change under their names: browsers ask each time whether theirs is the newest.
  map $uri $cache_policy {
    ~^/static/ no-cache;
    /favicon.png no-cache;
    /manifest.json no-cache;
    default "";
  }

  server {
    listen ${listenAddress(http)} default_server;
    server_name _;
    set $tenant "";
    return 444;
  }
${https ? tlsConfig(https) : ""}
  include sites/*.conf;
}
`;

/**
 * Checks that nginx answers, tenants or none: a request for no site's name is closed without an answer, which
 * curl reports as 52.
 */
export const nginxHealthTest = ({ address, port }: Listen): string[] => [
  "CMD-SHELL",
  `curl -s -o /dev/null http://${address === "0.0.0.0" ? "127.0.0.1" : address}:${port}/; [ $? -eq 52 ]`,
];

/** `127.0.0.1:8080` */
export const listenAddress = ({ address, port }: Listen): string => `${address}:${port}`;

/**
 * What all sites over TLS share: the ciphers of Mozilla's intermediate profile without the slow exchange of keys, and
 * no resumption at all. A resumed session would skip the certificate by which a proxied site knows its proxy.
 */
const tlsConfig = (https: Listen): string => `
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
  ssl_prefer_server_ciphers off;
  ssl_session_cache off;
  ssl_session_tickets off;

  server {
    listen ${listenAddress(https)} ssl http2 default_server;
    server_name _;
    set $tenant "";
    ssl_reject_handshake on;
    return 444;
  }

  include shared/*.conf;
`;
