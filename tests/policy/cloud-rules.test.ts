import { describe, expect, test } from "vitest";
import {
  type Droplet,
  dropletKeys,
  dropletType,
  type Firewall,
  firewallOpenings,
  firewallType,
  openDroplets,
} from "../../policy/cloud-rules.ts";

type Rule = NonNullable<Firewall["inboundRules"]>[number];

const openings = (...inboundRules: Rule[]) => firewallOpenings({ inboundRules });
const everywhere = ["0.0.0.0/0", "::/0"];

describe("a firewall", () => {
  test("passes with the web open to all, port 22 to operators, the agent's to the control host", () => {
    expect(
      openings(
        { protocol: "tcp", portRange: "22", sourceAddresses: ["203.0.113.7/32", "198.51.0.0/16"] },
        { protocol: "tcp", portRange: "80", sourceAddresses: everywhere },
        { protocol: "tcp", portRange: "443", sourceAddresses: everywhere },
        { protocol: "tcp", portRange: "8050", sourceTags: ["owui-prod-control"] },
        { protocol: "icmp", sourceAddresses: everywhere },
      ),
    ).toEqual([]);
  });

  test.each(["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/2", "2000::/3"])(
    "fails with port 22 open to %s",
    (network) => {
      expect(openings({ protocol: "tcp", portRange: "22", sourceAddresses: [network] })).toEqual([
        `Port 22 is open to ${network}. Name the operators' addresses in operators.addresses.`,
      ]);
    },
  );

  test.each<[string, Rule]>([
    ["tcp 8050", { protocol: "tcp", portRange: "8050", sourceAddresses: everywhere }],
    ["tcp 1-65535", { protocol: "tcp", portRange: "1-65535", sourceAddresses: everywhere }],
    ["tcp 80-443", { protocol: "tcp", portRange: "80-443", sourceAddresses: everywhere }],
    ["tcp of every port", { protocol: "tcp", sourceAddresses: everywhere }],
    ["udp 443", { protocol: "udp", portRange: "443", sourceAddresses: everywhere }],
  ])("fails with %s open to all", (what, rule) => {
    expect(openings(rule)).toEqual([
      `${what} is open to 0.0.0.0/0, ::/0. Only 80 and 443 are for everybody; name who else may come.`,
    ]);
  });

  test("passes where who may come is known only after up", () => {
    const rule = {
      protocol: "tcp",
      portRange: "8050",
      get sourceAddresses(): string[] {
        throw new Error("string value at .sourceAddresses can't be known during preview");
      },
    };
    expect(openings(rule)).toEqual([]);
  });
});

describe("a droplet", () => {
  const tag = { urn: "urn:tag" };
  const resource = (type: string, name: string, props: object, dependencies: object) =>
    ({ type, name, urn: `urn:${name}`, props, propertyDependencies: dependencies }) as unknown as Parameters<
      typeof openDroplets
    >[0][number];
  const droplet = resource(dropletType, "fra1-a", {}, { tags: [tag] });

  test("passes behind a firewall that names its tag, though nobody knows yet what the tag is called", () => {
    expect(openDroplets([droplet, resource(firewallType, "wall", {}, { tags: [tag] })])).toEqual([]);
  });

  test("passes behind a firewall that names it", () => {
    const wall = resource(firewallType, "wall", {}, { dropletIds: [{ urn: "urn:fra1-a" }] });
    expect(openDroplets([droplet, wall])).toEqual([]);
  });

  test("passes by a tag's name", () => {
    const named = resource(dropletType, "fra1-a", { tags: ["web"] }, {});
    expect(openDroplets([named, resource(firewallType, "wall", { tags: ["web"] }, {})])).toEqual([]);
  });

  test("fails without one, and behind another's", () => {
    const other = resource(firewallType, "wall", { tags: ["web"] }, { tags: [{ urn: "urn:other" }] });
    for (const walls of [[], [other]])
      expect(openDroplets([droplet, ...walls])).toEqual([
        {
          urn: "urn:fra1-a",
          message: "No firewall stands in front of fra1-a. Give it a tag that a firewall names.",
        },
      ]);
  });

  test("passes with a key, known or not, and fails without", () => {
    expect(dropletKeys({ sshKeys: ["a1"] } as Droplet)).toEqual([]);
    for (const none of [{}, { sshKeys: [] }])
      expect(dropletKeys(none as unknown as Droplet)).toEqual([
        expect.stringContaining("mails a root password"),
      ]);
  });
});
