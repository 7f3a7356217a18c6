/**
 * The fleet as the components see it: parsed, defaulted, checked. Made only by {@link parseFleet}; whoever
 * holds one of these values need not doubt it.
 */

/** A number of bytes. */
export type Bytes = number;

/** Of data sent. */
export type BytesPerSecond = number;
/** A number of seconds. */
export type Seconds = number;

/** Everything one stack declares. */
export interface Fleet {
  /** The Pulumi stack, `local`. Part of every Docker name. */
  stack: string;
  /** False: no container is declared, all data stays. */
  running: boolean;
  hosts: HostSpec[];
  operators: OperatorsSpec;
  tenants: TenantSpec[];
  sync: SyncSpec;
  certificates: CertificatesSpec;
  dns: DnsSpec;
  /** Absent: no site is certified that way. */
  acme?: AcmeSpec;
  /** Absent: nothing is backed up. */
  backups?: BackupsSpec;
  monitoring: MonitoringSpec;
}

/** How tenants are backed up. */
export interface BackupsSpec {
  repository: RepositorySpec;
  /** From one backup of a tenant to its next. */
  every: Seconds;
  /** How long one is kept. */
  keep: Seconds;
  /** From one trial restore of a tenant's latest to the next. */
  drill: Seconds;
  /** Major version of the Postgres programs that dump tenants on one, and restore such dumps for a trial. */
  postgres: number;
}

/** Where backups are kept; below it a repository of restic's for each tenant, by the tenant's id. */
export type RepositorySpec =
  /** Absolute path of a folder on each host. */
  | { kind: "folder"; path: string }
  /** `key` is secret. `prefix`: what repositories' names begin with, without a slash at its ends. */
  | {
      kind: "s3";
      endpoint: string;
      bucket: string;
      region: string;
      keyId: string;
      key: string;
      prefix?: string;
    }
  /** `key`: a private key, secret. `path` is absolute. */
  | {
      kind: "sftp";
      address: string;
      port: number;
      user: string;
      path: string;
      hostKey: string;
      key: string;
    };

/** The stack's own certificate authority. */
export interface CertificatesSpec {
  /** Which one issues, counted from 1. */
  generation: number;
}

/** A machine that runs tenants. */
export type HostSpec = LocalHostSpec | SshHostSpec | DropletSpec;

/** The machine that the program runs on. */
export interface LocalHostSpec extends AnyHostSpec {
  kind: "local";
}

/** A server that is there. */
export interface SshHostSpec extends AnyHostSpec {
  kind: "ssh";
  /** IPv4, as users and operators reach it. */
  address: string;
  /** IPv4, as the fleet's other hosts reach it. */
  privateAddress: string;
  /** Who signs in for the first set-up: root, or somebody whose sudo asks nothing. */
  user: string;
  /** Type and key, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  swap: Bytes;
}

/** A droplet of DigitalOcean that the stack makes. */
export interface DropletSpec extends AnyHostSpec {
  kind: "digitalocean";
  region: string;
  size: string;
  image: string;
  /** Gigabytes of block storage below the data root; absent: it lies on the droplet's own disk. */
  volume?: number;
  /** Whether it is reached at an address that outlives it. */
  reservedIp: boolean;
  /** Counted up, the droplet is made anew. */
  generation: number;
  swap: Bytes;
}

/** What hosts of all kinds have. */
interface AnyHostSpec {
  id: string;
  /** Absolute folder that holds everything the host must not lose. */
  root: string;
  /** Where nginx listens. */
  http: { address: string; port: number };
  /** Where it listens for TLS; sites are then served there, and `http` only leads to them. */
  https?: { address: string; port: number };
  agentPort: number;
  writerPort: number;
  /** What the machine has. Known: tenants may reserve 70 % of it. */
  memory?: Bytes;
  /** The most that its agent sends. */
  syncBandwidth?: BytesPerSecond;
}

/** Who signs in to hosts over ssh. */
export interface OperatorsSpec {
  /** Public keys, one line each. */
  keys: string[];
  /** IPv4 networks, `203.0.113.7/32`. */
  addresses: string[];
  /** Path of the private key that `up` signs in with; absent: ssh finds one by itself. */
  identity?: string;
}

/** Who certifies a site: the stack's own authority, one that speaks ACME, or Cloudflare for its own proxy alone. */
export type Certifier = "self-signed" | "acme" | "origin-ca";

/** An authority that certifies whoever answers under a name. */
export interface AcmeSpec {
  /** URL of its directory. */
  directory: string;
  email?: string;
  /** PEM by which the directory is believed; absent: public authorities. */
  root?: string;
}

/** Who holds the records of tenants' names: an operator by hand, or Cloudflare in these zones and an operator outside. */
export type DnsSpec = { kind: "manual" } | { kind: "cloudflare"; zones: string[] };

/** A name that a tenant had. */
export interface FormerDomain {
  /** Lower case, unique in the fleet. */
  domain: string;
  /** Last day on which it leads to the name that the tenant has, `2027-03-31`. */
  until: string;
}

/** Why a tenant may carry its own branding under clause 4 of Open WebUI's licence. */
export type BrandingBasis = "up-to-50-users" | "written-permission" | "enterprise-licence";

/** A tenant's own look. */
export interface BrandingSpec {
  /** Absolute path of an svg, png, jpg or webp file that exists. */
  logo: string;
  /** Replaces "Open WebUI" in the title; Open WebUI appends " (Open WebUI)". */
  name?: string;
  basis: BrandingBasis;
  /** How many users a permission or a licence covers; absent: as many as there are. */
  users?: number;
}

/** An OpenAI-compatible model server. */
export interface ConnectionSpec {
  /** Without credentials and without a slash at its end. */
  url: string;
  /** Secret; empty where the server asks for none. */
  key: string;
}

/** An address a tenant may reach although it lies in a private range. */
export interface EndpointSpec {
  /** IPv4. */
  address: string;
  port: number;
}

/** One organisation's Open WebUI. */
export interface TenantSpec {
  /** A DNS label of at most 40 characters. */
  id: string;
  /** Id of the host it runs on. */
  host: string;
  /** Lower case, unique in the fleet. */
  domain: string;
  formerDomains: FormerDomain[];
  /** Absent where its host offers no TLS. */
  certificate?: Certifier;
  /** Whether users come by way of Cloudflare's proxy, and only they. */
  proxied: boolean;
  running: boolean;
  /** Full reference of the Open WebUI image. */
  image: string;
  /** Port on the host's loopback, unique on the host. */
  port: number;
  /** The /28 of its Docker network, unique on the host. */
  subnet: string;
  /** Name of its network's bridge interface, known before the network exists. */
  bridge: string;
  admin: { email: string; name: string };
  branding?: BrandingSpec;
  connections: ConnectionSpec[];
  privateEndpoints: EndpointSpec[];
  /** Absent: its database is the SQLite file in its data directory. */
  database?: TenantDatabaseSpec;
  /** Whether settings made inside the application outlive a restart. */
  persistSettings: boolean;
  /** Further variables of the container; values may be secret. */
  environment: Record<string, string>;
  memory: { reserved: Bytes; limit: Bytes };
  cpus: number;
  pids: number;
  sync: { interval: Seconds; paused: boolean; direction: Direction; conflicts: ConflictsSpec };
  /** Where a lost database comes from; absent: the tenant is not started without it. */
  restore?: "replica";
  /** Whether it may start without its database, and empty. */
  fresh: boolean;
}

/** The Postgres that a tenant's application works on. */
export interface TenantDatabaseSpec {
  kind: "postgres";
  /** `postgresql://user@host:5432/database`, without the password. */
  url: string;
  /** Secret. */
  password: string;
}

/** Where a tenant's rows go: into its replica, or what wins there back into its own database as well. */
export type Direction = "one-way" | "both";

/** How a conflict is decided: by the later change, by a side, by both together, or by an operator. */
export type ConflictStrategy = "newest_wins" | "source_wins" | "target_wins" | "merge" | "manual";

/** How conflicts of one tenant are decided: in the named tables, and in all others. */
export interface ConflictsSpec {
  default: ConflictStrategy;
  tables: Record<string, ConflictStrategy>;
}

/** The sync pair and the database that holds the replicas. */
export interface SyncSpec {
  /** Id of the control host: what watches the fleet and an embedded database run there. */
  host: string;
  cluster: string;
  /** How many tenants one node syncs at once. */
  parallel: number;
  /** How often each replica is verified row by row. */
  verify: Seconds;
  /** How long replicas keep what vanished from their sources. */
  tombstones: Seconds;
  /** Failures in a row that put a tenant into quarantine. */
  quarantine: number;
  /** Which key signs operators' tokens, counted from 1; the former is accepted too. */
  operatorKey: number;
  /** `host`: the id of the host it runs on. */
  nodes: { id: string; host: string; port: number }[];
  database: DatabaseSpec;
  readers: ReaderSpec[];
}

/** The Postgres that holds the replicas. */
export type DatabaseSpec =
  /** A container on the control host, its port on that host's loopback. */
  { kind: "embedded"; port: number } | ExternalDatabaseSpec;

/** A Postgres that somebody else runs. */
export interface ExternalDatabaseSpec {
  kind: "external";
  /** As its certificate names it. */
  host: string;
  port: number;
  /** There already. */
  database: string;
  /** The administrator's login; behind a dot, what a pooler wants behind every login. */
  user: string;
  /** Secret. */
  password: string;
  ca: AuthoritySpec;
}

/** Whom to believe about a server. */
export interface AuthoritySpec {
  /** Certificates in PEM. */
  pem: string;
  /** The file they come from, relative to the repository; absent where they stand in the config. */
  file?: string;
}

/** What watches the fleet. */
export interface MonitoringSpec {
  /** False: it is not declared at all. */
  enabled: boolean;
  prometheus: { port: number };
  alertmanager: { port: number };
  alerts: AlertsSpec;
}

/** Who hears of alerts. */
export interface AlertsSpec {
  mail?: MailSpec;
  /** The URL is secret. */
  webhook?: { url: string };
  /** Who notices that nothing is heard any more; the URL is secret. */
  heartbeat?: { url: string; every: Seconds };
}

/** A mail server and what goes through it. */
export interface MailSpec {
  host: string;
  port: number;
  from: string;
  to: string[];
  /** Absent where the server asks nobody to sign in. */
  user?: string;
  /** Secret; empty without a user. */
  password: string;
  tls: boolean;
}

/** A login that reads replicas. */
export interface ReaderSpec {
  id: string;
  /** Ids of the tenants whose replicas it reads; null: all of them. */
  tenants: string[] | null;
  /** Credentials it may read, which are denied to readers otherwise. */
  columns: { table: string; column: string }[];
}
