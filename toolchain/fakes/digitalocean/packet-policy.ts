import type { Account, Droplet, Firewall, FirewallRule } from "./model.ts";

/** What may pass in one direction. */
export interface PacketRule {
  protocol: "tcp" | "udp" | "icmp";
  /** First and last port; absent: all. */
  ports?: [first: number, last: number];
  /** IPv4 ranges of the other side. */
  peers: string[];
}

/** A droplet behind at least one firewall: what no rule lets pass does not. */
export interface PacketPolicy {
  droplet: number;
  /** Its public, private and reserved address. */
  addresses: string[];
  inbound: PacketRule[];
  outbound: PacketRule[];
}

const addressesOf = (account: Account, droplet: Droplet): string[] => [
  droplet.address,
  droplet.privateAddress,
  ...account.reservedIps.filter((reserved) => reserved.droplet === droplet.id).map(({ ip }) => ip),
];

/** Whether a firewall guards a droplet: by its number, or by a tag of both. */
export const guards = (firewall: Firewall, droplet: Droplet): boolean =>
  firewall.dropletIds.includes(droplet.id) || firewall.tags.some((tag) => droplet.tags.includes(tag));

/** "0" and "all" are all ports; `22`, `8000-9000` are what they say. */
export const portsOf = (ports: string): PacketRule["ports"] | undefined => {
  if (ports === "" || ports === "0" || ports === "all") return undefined;
  const [first, last] = ports.split("-").map(Number);
  return [first as number, last ?? (first as number)];
};

/** Droplets and tags stand for the addresses of what they mean now. The fake's machines have no IPv6. */
const packetRule = (account: Account, { protocol, ports, peers }: FirewallRule): PacketRule => {
  const named = account.droplets.filter(
    (droplet) =>
      peers.dropletIds.includes(droplet.id) || droplet.tags.some((tag) => peers.tags.includes(tag)),
  );
  const ranges = peers.addresses.filter((address) => !address.includes(":"));
  const range = protocol === "icmp" ? undefined : portsOf(ports);
  return {
    protocol,
    ...(range ? { ports: range } : {}),
    peers: [...ranges, ...named.flatMap((droplet) => addressesOf(account, droplet))],
  };
};

/** The packet rules of every guarded droplet; the firewalls of one add up. A rule with no other side lets nothing pass. */
export const packetPolicies = (account: Account): PacketPolicy[] =>
  account.droplets.flatMap((droplet) => {
    const guarding = account.firewalls.filter((firewall) => guards(firewall, droplet));
    if (guarding.length === 0) return [];
    const rules = (direction: "inbound" | "outbound") =>
      guarding
        .flatMap((firewall) => firewall[direction])
        .map((rule) => packetRule(account, rule))
        .filter(({ peers }) => peers.length > 0);
    return [
      {
        droplet: droplet.id,
        addresses: addressesOf(account, droplet),
        inbound: rules("inbound"),
        outbound: rules("outbound"),
      },
    ];
  });
