/** Where nginx finds its configuration inside its container; relative names in it start there. */
export const nginxConfigDirectory = "/etc/fleet";

/** An address nginx listens on. */
export interface Listen {
  address: string;
  port: number;
}

/** One tenant as nginx sees it. */
export interface Site {
  /** Tenant id, for the access log. */
  tenant: string;
  domain: string;
  /** Port of its container on the host's loopback. */
  port: number;
}

/** The file of a site, relative to the configuration's directory. */
export const siteFile = (tenant: string): string => `sites/${tenant}.conf`;

/**
 * The part every site shares. Requests for a host name that no site has get no answer at all, so that scanning
 * the address tells nothing.
 */
export const nginxConfig = (
  listen: Listen,
): string => `# Written by the fleet; sites/ holds one file per tenant.
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
    listen ${listenAddress(listen)} default_server;
    server_name _;
    set $tenant "";
    return 444;
  }

  include sites/*.conf;
}
`;

/** One tenant's file: everything that leads to it, and nothing else. */
export const siteConfig = (
  listen: Listen,
  { tenant, domain, port }: Site,
): string => `upstream tenant-${tenant} {
  server 127.0.0.1:${port};
  keepalive 16;
}

server {
  listen ${listenAddress(listen)};
  server_name ${domain};
  set $tenant ${tenant};

  add_header X-Content-Type-Options nosniff always;
  add_header X-Frame-Options SAMEORIGIN always;
  add_header Referrer-Policy strict-origin-when-cross-origin always;
  add_header X-Permitted-Cross-Domain-Policies none always;
  add_header Cache-Control $cache_policy;

  proxy_set_header Host $http_host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_header;

  location / {
    proxy_pass http://tenant-${tenant};
  }

  # Answers of models arrive word by word, and take as long as they take.
  location /api/ {
    proxy_pass http://tenant-${tenant};
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1800s;
    proxy_send_timeout 1800s;
  }

  location /ws/ {
    proxy_pass http://tenant-${tenant};
    proxy_read_timeout 24h;
    proxy_send_timeout 24h;
  }
}
`;

/** The address users open. */
export const siteUrl = ({ port }: Listen, domain: string): string =>
  port === 80 ? `http://${domain}` : `http://${domain}:${port}`;

/**
 * Checks that nginx answers, tenants or none: a request for no site's name is closed without an answer, which
 * curl reports as 52.
 */
export const nginxHealthTest = ({ address, port }: Listen): string[] => [
  "CMD-SHELL",
  `curl -s -o /dev/null http://${address === "0.0.0.0" ? "127.0.0.1" : address}:${port}/; [ $? -eq 52 ]`,
];

const listenAddress = ({ address, port }: Listen): string => `${address}:${port}`;
