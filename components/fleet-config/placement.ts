import { createHash } from "node:crypto";

/** First and last port a tenant may have: above the registered services, under Linux' ephemeral range. */
export const tenantPorts = { first: 10_000, last: 32_000 } as const;

/** Number of /28 networks in 10.128.0.0/9. */
const subnets = 2 ** 19;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The port of a tenant that names none. It follows from the id alone, so no other entry can move it. */
export const portOf = (tenant: string): number =>
  tenantPorts.first + (digest(tenant).readUInt32BE(0) % (tenantPorts.last - tenantPorts.first + 1));

/** The subnet of a tenant that names none, by the same reasoning. */
export const subnetOf = (tenant: string): string => subnetAt(digest(tenant).readUInt32BE(4) % subnets);

/** The bridge interface of a tenant's network; Linux allows 15 characters. */
export const bridgeOf = (stack: string, tenant: string): string =>
  `owt${digest(`${stack}/${tenant}`).toString("hex").slice(0, 8)}`;

/** The first port from `wanted` on, around the end of the range, that is not taken. */
export function freePort(wanted: number, taken: ReadonlySet<number>): number | undefined {
  const span = tenantPorts.last - tenantPorts.first + 1;
  for (let step = 0; step < span; step++) {
    const port = tenantPorts.first + ((((wanted - tenantPorts.first + step) % span) + span) % span);
    if (!taken.has(port)) return port;
  }
  return undefined;
}

/** The first subnet after `wanted` that is not taken. */
export function freeSubnet(wanted: string, taken: ReadonlySet<string>): string | undefined {
  const [, second = 0, third = 0, fourth = 0] = wanted.split(/[./]/).map(Number);
  const start = ((second - 128) * 65_536 + third * 256 + fourth) / 16;
  for (let step = 1; step < subnets; step++) {
    const subnet = subnetAt((start + step) % subnets);
    if (!taken.has(subnet)) return subnet;
  }
  return undefined;
}

function subnetAt(slot: number): string {
  const offset = slot * 16;
  return `10.${128 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}/28`;
}
