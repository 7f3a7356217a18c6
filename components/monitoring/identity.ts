import type * as pulumi from "@pulumi/pulumi";
import type { Subject } from "../certificate-authority.ts";
import { dockerName } from "../container.ts";
import { type LayoutEntry, type Owner, root } from "../host/layout.ts";
import type { TlsDirectory } from "../host/tls-files.ts";

/** What the certificate of a cluster's monitoring says; by it nodes and agents show their metrics, and nothing else. */
const monitorIdentity = (cluster: string): string => `urn:owui:monitor:${cluster}`;

/** Prometheus or Alertmanager: each serves, and Prometheus calls nodes, agents and Alertmanager. */
export const monitorSubject = (
  stack: string,
  role: "prometheus" | "alertmanager",
  cluster: string,
): Subject => ({
  dns: [dockerName({ stack, role }), "localhost"],
  uri: monitorIdentity(cluster),
  ip: ["127.0.0.1"],
  uses: ["server_auth", "client_auth"],
});

/** The commands that ask the two what they know. */
export const askerSubject = (cluster: string): Subject => ({
  dns: [`monitor.${cluster}`],
  uri: monitorIdentity(cluster),
  uses: ["client_auth"],
});

const [certificate, key, ca] = ["/etc/fleet/tls.crt", "/etc/fleet/tls.key", "/etc/fleet/ca.crt"];

/** How the two call others. Files are read again when they change. */
export const clientTls = { ca_file: ca, cert_file: certificate, key_file: key, min_version: "TLS13" };

/** How the two are called: by certificates of the stack's authority alone, since neither knows of users. */
export const serverTls = {
  cert_file: certificate,
  key_file: key,
  client_auth_type: "RequireAndVerifyClientCert",
  client_ca_file: ca,
  min_version: "TLS13",
};

/** The directories that one of the two reads from and writes to. */
export const monitorDirectories = (role: "prometheus" | "alertmanager", user: Owner): LayoutEntry[] => [
  { kind: "directory", path: "monitoring", mode: "0755", owner: root },
  { kind: "directory", path: `monitoring/${role}`, mode: "0750", owner: `0:${groupOf(user)}` },
  { kind: "directory", path: `monitoring/${role}-data`, mode: "0700", owner: user },
];

/** Where the certificates of one of the two lie, for it alone to read. */
export const monitorTls = (role: "prometheus" | "alertmanager", user: Owner): TlsDirectory => ({
  path: `monitoring/${role}`,
  group: groupOf(user),
});

/** Files that one of the two reads, for it alone. */
export const monitorFiles = (
  role: "prometheus" | "alertmanager",
  user: Owner,
  files: Record<string, pulumi.Input<string>>,
): LayoutEntry[] =>
  Object.entries(files).map(([name, content]) => ({
    kind: "file",
    path: `monitoring/${role}/${name}`,
    mode: "0440",
    owner: `0:${groupOf(user)}`,
    content,
  }));

const groupOf = (user: Owner): number => Number(user.split(":")[1]);
