import { expect, test } from "vitest";
import { packetFilter } from "../../../../toolchain/fakes/digitalocean/docker/packet-filter.ts";
import { seedOf } from "../../../../toolchain/fakes/digitalocean/docker/seed.ts";

test("without firewalls the table is there and holds no rule", () => {
  const text = packetFilter("cloud", []);
  expect(text).toContain("delete table inet cloud");
  expect(text).not.toContain("drop");
});

test("a guarded droplet: what a rule names passes, the rest is dropped, in both directions", () => {
  const text = packetFilter("cloud", [
    {
      droplet: 7,
      addresses: ["198.18.0.16", "198.18.64.1"],
      inbound: [{ protocol: "tcp", ports: [22, 22], peers: ["198.18.0.5/32"] }],
      outbound: [
        { protocol: "icmp", peers: ["0.0.0.0/0"] },
        { protocol: "udp", peers: ["198.18.0.0/16"] },
      ],
    },
  ]);
  const lines = text.split("\n").map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      "ip saddr 198.18.0.5/32 tcp dport 22-22 accept",
      "ip daddr 0.0.0.0/0 ip protocol icmp accept",
      "ip daddr 198.18.0.0/16 ip protocol udp accept",
      "ip daddr { 198.18.0.16, 198.18.64.1 } goto in-7",
      "ip saddr { 198.18.0.16, 198.18.64.1 } jump out-forward-7",
    ]),
  );
  expect(lines.filter((line) => line === "drop")).toHaveLength(3);
});

test("a seed names the machine and its keys; without user-data it is empty and valid", () => {
  const seed = seedOf({
    ...{ id: 7, hostname: "fra1-a", image: "debian-12-x64", memory: 1024, vcpus: 1 },
    ...{ address: "198.18.0.16", privateAddress: "198.19.0.16", vpc: { id: "v", ipRange: "198.19.0.0/24" } },
    ...{ publicKeys: ['ssh-ed25519 AAAA it\'s "mine"'], userData: "" },
  });
  expect(JSON.parse(seed["meta-data"] as string)).toEqual({
    "instance-id": "7",
    "local-hostname": "fra1-a",
    "public-keys": ['ssh-ed25519 AAAA it\'s "mine"'],
  });
  expect(seed["user-data"]).toMatch(/^#cloud-config\n/);
});
