import type * as digitalocean from "@pulumi/digitalocean";
import type { PolicyResource } from "@pulumi/policy";
import type * as pulumi from "@pulumi/pulumi";
import { known } from "./known.ts";

/** What the program asks for, once known. */
export type Firewall = pulumi.Unwrap<digitalocean.FirewallArgs>;
export type Droplet = pulumi.Unwrap<digitalocean.DropletArgs>;

export const firewallType = "digitalocean:index/firewall:Firewall";
export const dropletType = "digitalocean:index/droplet:Droplet";

/** What everybody may reach; port 22 is the operators' alone. */
const publicPorts = ["80", "443"];

/** What a firewall lets in that nobody meant to. */
export const firewallOpenings = ({ inboundRules = [] }: Firewall): string[] =>
  inboundRules.flatMap((rule) => {
    const { protocol, portRange } = rule;
    const wide = (known(() => (rule.sourceAddresses ?? []).filter(isWide)) ?? []).join(", ");
    if (!wide || protocol === "icmp") return [];
    if (protocol === "tcp" && portRange === "22")
      return [`Port 22 is open to ${wide}. Name the operators' addresses in operators.addresses.`];
    if (protocol === "tcp" && publicPorts.includes(portRange ?? "")) return [];
    return [
      `${protocol} ${portRange || "of every port"} is open to ${wide}. Only 80 and 443 are for everybody; name who else may come.`,
    ];
  });

/** A network that holds a good part of the world. */
function isWide(network: string): boolean {
  const [address = "", length] = network.split("/");
  if (length === undefined) return false;
  return Number(length) < (address.includes(":") ? 16 : 8);
}

/** A resource as far as the rule about firewalls goes. */
type Linked = Pick<PolicyResource, "type" | "urn" | "name" | "props" | "propertyDependencies">;

/** Droplets that no firewall stands in front of: none names a tag of theirs, or them. */
export function openDroplets(resources: readonly Linked[]): { urn: string; message: string }[] {
  const firewalls = resources.filter(({ type }) => type === firewallType);
  const guarded = new Set(
    firewalls.flatMap(({ propertyDependencies: { tags = [], dropletIds = [] } }) =>
      [...tags, ...dropletIds].map(({ urn }) => urn),
    ),
  );
  const names = new Set(
    firewalls.flatMap(({ props }) => known(() => props.tags as string[] | undefined) ?? []),
  );
  return resources
    .filter(({ type }) => type === dropletType)
    .filter(({ urn, props, propertyDependencies: { tags = [] } }) => {
      const byTag = tags.some((tag) => guarded.has(tag.urn));
      const byName = (known(() => props.tags as string[] | undefined) ?? []).some((tag) => names.has(tag));
      return !guarded.has(urn) && !byTag && !byName;
    })
    .map(({ urn, name }) => ({
      urn,
      message: `No firewall stands in front of ${name}. Give it a tag that a firewall names.`,
    }));
}

/** A droplet made without a key gets a password, by mail. */
export const dropletKeys = ({ sshKeys = [] }: Droplet): string[] =>
  known(() => sshKeys.length) === 0
    ? [
        "The droplet is made without an SSH key, so DigitalOcean mails a root password. Give it one in sshKeys.",
      ]
    : [];
