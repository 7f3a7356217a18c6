import { createHash } from "node:crypto";

/** A range of ports, both ends included. */
export interface PortRange {
  first: number;
  last: number;
}

/** What a tenant may have: above most registered services, under Linux' ephemeral range. */
export const tenantPorts: PortRange = { first: 10_000, last: 32_000 };

/** What anything else may have that needs no privilege. */
export const anyPort: PortRange = { first: 1_024, last: 65_535 };

/** Number of /28 networks in 10.128.0.0/9. */
const subnets = 2 ** 19;

/** Of stack and id alone, so that no other entry can move a tenant, and two stacks on one machine rarely meet. */
const digest = (stack: string, tenant: string): Buffer =>
  createHash("sha256").update(`${stack}/${tenant}`).digest();

/** The port of a tenant that names none. */
export const portOf = (stack: string, tenant: string): number =>
  tenantPorts.first + (digest(stack, tenant).readUInt32BE(0) % (tenantPorts.last - tenantPorts.first + 1));

/** The subnet of a tenant that names none. */
export const subnetOf = (stack: string, tenant: string): string =>
  subnetAt(digest(stack, tenant).readUInt32BE(4) % subnets);

/** The bridge interface of a tenant's network; Linux allows 15 characters. */
export const bridgeOf = (stack: string, tenant: string): string =>
  `owt${digest(stack, tenant).toString("hex").slice(0, 8)}`;

/** The port after another one, around the end of the range. */
export const nextPort = (port: number, { first, last }: PortRange): number =>
  port < first || port >= last ? first : port + 1;

/** The subnet after another one, around the end. */
export function nextSubnet(subnet: string): string {
  const [, second = 0, third = 0, fourth = 0] = subnet.split(/[./]/).map(Number);
  const slot = ((second - 128) * 65_536 + third * 256 + fourth) / 16;
  return subnetAt((slot + 1) % subnets);
}

/** The nth /28 of 10.128.0.0/9. */
function subnetAt(slot: number): string {
  const offset = slot * 16;
  return `10.${128 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}/28`;
}
