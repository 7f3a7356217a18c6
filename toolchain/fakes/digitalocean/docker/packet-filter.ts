import type { PacketPolicy, PacketRule } from "../packet-policy.ts";

const list = (words: readonly string[]): string => `{ ${words.join(", ")} }`;

/** Ranges in a set must not overlap, which users' rules may: each is matched by itself. */
const ruleLines = (rule: PacketRule, side: "saddr" | "daddr"): string[] => {
  const match =
    rule.protocol === "icmp"
      ? "ip protocol icmp"
      : rule.ports
        ? `${rule.protocol} dport ${rule.ports[0]}-${rule.ports[1]}`
        : `ip protocol ${rule.protocol}`;
  return rule.peers.map((peer) => `    ip ${side} ${peer} ${match} accept`);
};

const chain = (name: string, rules: readonly PacketRule[], side: "saddr" | "daddr"): string[] => [
  `  chain ${name} {`,
  ...rules.flatMap((rule) => ruleLines(rule, side)),
  "    drop",
  "  }",
];

/**
 * nftables' words for the droplets' firewalls, in one table of their own that replaces the one before. They stand on the
 * machine that runs the droplets, outside them, as the cloud's firewalls do: whatever a droplet does to its own rules
 * changes nothing here. A droplet of no firewall has no rules.
 */
export const packetFilter = (table: string, policies: readonly PacketPolicy[]): string => {
  const jumps = (direction: "in" | "out") =>
    policies.map(
      ({ droplet, addresses }) =>
        `    ip ${direction === "in" ? "daddr" : "saddr"} ${list(addresses)} goto ${direction}-${droplet}`,
    );
  const chains = policies.flatMap(({ droplet, inbound, outbound }) => [
    ...chain(`in-${droplet}`, inbound, "saddr"),
    ...chain(`out-${droplet}`, outbound, "daddr"),
  ]);
  // Between two droplets a packet passes twice: out of the one, and into the other.
  const hook = (name: string, body: readonly string[]) => [
    `  chain ${name} {`,
    `    type filter hook ${name} priority -10; policy accept;`,
    "    ct state established,related accept",
    ...body,
    "  }",
  ];
  const both = policies.flatMap(({ droplet, addresses }) => [
    `    ip saddr ${list(addresses)} jump out-forward-${droplet}`,
  ]);
  const leaving = policies.flatMap(({ droplet, outbound }) => [
    `  chain out-forward-${droplet} {`,
    ...outbound.flatMap((rule) => ruleLines(rule, "daddr").map((line) => line.replace(/accept$/, "return"))),
    "    drop",
    "  }",
  ]);
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...chains,
    ...leaving,
    ...hook("forward", [...both, ...jumps("in")]),
    ...hook("output", jumps("in")),
    ...hook("input", jumps("out")),
    "}",
    "",
  ].join("\n");
};
