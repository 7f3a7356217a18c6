import * as pulumi from "@pulumi/pulumi";
import { CertificateAuthority } from "../../components/certificate-authority.ts";
import { ClientHost, type ClientHostArgs } from "../../components/client-host.ts";
import { byHand } from "../../components/dns.ts";
import { Edge } from "../../components/edge.ts";
import type { ExternalDatabaseSpec, HostSpec, SyncSpec, TenantSpec } from "../../components/fleet-config.ts";
import { LocalMachine } from "../../components/machine/local-machine.ts";

/** The host of the tests' fleets. */
export const hostSpec: HostSpec = {
  id: "local",
  kind: "local",
  root: "/srv/fleet",
  http: { address: "127.0.0.1", port: 8080 },
  agentPort: 8050,
  writerPort: 8051,
};

/** The sync pair of the tests' fleets. */
export const syncSpec: SyncSpec = {
  host: "local",
  cluster: "main",
  parallel: 5,
  verify: 604_800,
  tombstones: 7_776_000,
  quarantine: 5,
  operatorKey: 1,
  nodes: [
    { id: "a", host: "local", port: 9443 },
    { id: "b", host: "local", port: 9444 },
  ],
  database: { kind: "embedded", port: 15_432 },
  readers: [],
};

/** A database that somebody else runs, behind a pooler that wants its project's name behind every login. */
export const externalDatabase: ExternalDatabaseSpec = {
  kind: "external",
  host: "pooler.example.com",
  port: 5432,
  database: "postgres",
  user: "postgres.abcdefgh",
  password: "password of the administrator",
  ca: { pem: "certificate of the pooler's authority", file: "certificates/pooler.crt" },
};

/** A tenant with nothing but what has to be said, and whatever a test adds. */
export const tenantSpec = (changed: Partial<TenantSpec> = {}): TenantSpec => ({
  id: "acme",
  host: "local",
  domain: "acme.localhost",
  formerDomains: [],
  proxied: false,
  running: true,
  image: "ghcr.io/open-webui/open-webui:v0.11.3",
  port: 18_001,
  subnet: "10.128.0.16/28",
  bridge: "owt01234567",
  admin: { email: "admin@acme.example", name: "Administrator" },
  connections: [],
  privateEndpoints: [],
  persistSettings: false,
  environment: {},
  memory: { reserved: 700 * 2 ** 20, limit: 1400 * 2 ** 20 },
  cpus: 1,
  pids: 512,
  sync: {
    interval: 300,
    paused: false,
    direction: "one-way",
    conflicts: { default: "source_wins", tables: {} },
  },
  fresh: false,
  ...changed,
});

/** Where the tests' fleets keep replicas, as far as a tenant asks; it waits for nothing. */
export const replicas = {
  admin: {
    host: "127.0.0.1",
    port: 15_432,
    database: "fleet",
    user: "postgres",
    password: pulumi.secret("password of the superuser"),
    ca: pulumi.output("certificate of the authority"),
  },
  begun: true,
  prepared: [] as pulumi.Resource[],
};

/** The host of the tests' fleets, declared, with its authority and what opens sites on it. */
export function declareHost(changed: Partial<ClientHostArgs> = {}) {
  const authority = changed.authority ?? new CertificateAuthority("authority", { generation: 1 });
  const host = new ClientHost("local", {
    stack: "test",
    machine: new LocalMachine(hostSpec),
    tenants: [],
    running: true,
    cluster: syncSpec,
    ...changed,
    authority,
  });
  return { authority, host, edge: new Edge({ authority, names: byHand, today: "2026-11-22" }) };
}
