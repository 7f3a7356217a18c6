/** What the fake remembers: plain JSON, kept in its state file. */

export interface SshKey {
  id: number;
  name: string;
  publicKey: string;
  /** MD5, colons between the bytes, as the real API names keys. */
  fingerprint: string;
}

/** `new` until its machine runs; `archive` does not happen here. */
export type DropletStatus = "new" | "active" | "off";

export interface Droplet {
  id: number;
  name: string;
  region: string;
  size: string;
  image: string;
  /** GB; grows with the size only where a resize asks for it. */
  disk: number;
  status: DropletStatus;
  createdAt: string;
  features: string[];
  tags: string[];
  vpc: string;
  /** Its own public address, for life. */
  address: string;
  /** In its VPC. */
  privateAddress: string;
  /** Of the keys that open root. */
  keys: number[];
  userData: string;
}

export type ActionStatus = "in-progress" | "completed" | "errored";

export interface Action {
  id: number;
  status: ActionStatus;
  type: string;
  startedAt: string;
  completedAt: string | null;
  resourceId: number;
  resourceType: "droplet" | "reserved_ip" | "volume" | "backend";
  /** What the action is of, since volumes have no numbers: `volume:<id>`, `droplet:<id>`, `reserved_ip:<address>`. */
  of: string;
  region: string;
}

export interface ReservedIp {
  ip: string;
  region: string;
  droplet: number | null;
}

/** One direction's rule, as the API takes it. */
export interface FirewallRule {
  protocol: "tcp" | "udp" | "icmp";
  /** `22`, `8000-9000`, `all`; "0" stands for all in answers. */
  ports: string;
  peers: { addresses: string[]; tags: string[]; dropletIds: number[] };
}

export interface Firewall {
  id: string;
  name: string;
  createdAt: string;
  inbound: FirewallRule[];
  outbound: FirewallRule[];
  dropletIds: number[];
  tags: string[];
}

export interface Volume {
  id: string;
  name: string;
  description: string;
  region: string;
  /** GiB. */
  size: number;
  filesystem: "ext4" | "xfs" | "";
  label: string;
  droplet: number | null;
  createdAt: string;
  tags: string[];
}

export interface Vpc {
  id: string;
  name: string;
  description: string;
  region: string;
  ipRange: string;
  /** Where droplets of the region go that name none. */
  default: boolean;
  createdAt: string;
}

/** A whole account. */
export interface Account {
  /** Counts droplets, keys and actions, so that no number is used twice. */
  lastId: number;
  /** Counts addresses for the same reason: a new droplet never answers for an old one. */
  lastAddress: number;
  lastReserved: number;
  lastRange: number;
  keys: SshKey[];
  droplets: Droplet[];
  actions: Action[];
  reservedIps: ReservedIp[];
  firewalls: Firewall[];
  volumes: Volume[];
  tags: string[];
  vpcs: Vpc[];
}

export const emptyAccount = (): Account => ({
  lastId: 500_000_000,
  lastAddress: 0,
  lastReserved: 0,
  lastRange: 0,
  keys: [],
  droplets: [],
  actions: [],
  reservedIps: [],
  firewalls: [],
  volumes: [],
  tags: [],
  vpcs: [],
});
