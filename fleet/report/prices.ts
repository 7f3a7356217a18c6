import type { HostSpec } from "../../components/fleet-config.ts";

/** As of when the prices below were DigitalOcean's list prices; taxes, traffic beyond the allowance and backups are not in them. */
export const pricesOf = "2025-05";

/** US dollars a month by the droplet's size. */
const droplets: Readonly<Record<string, number>> = {
  "s-1vcpu-512mb-10gb": 4,
  "s-1vcpu-1gb": 6,
  "s-1vcpu-2gb": 12,
  "s-2vcpu-2gb": 18,
  "s-2vcpu-4gb": 24,
  "s-4vcpu-8gb": 48,
  "s-8vcpu-16gb": 96,
  "s-1vcpu-1gb-amd": 7,
  "s-1vcpu-2gb-amd": 14,
  "s-2vcpu-2gb-amd": 21,
  "s-2vcpu-4gb-amd": 28,
  "s-2vcpu-8gb-amd": 42,
  "s-4vcpu-8gb-amd": 56,
  "s-4vcpu-16gb-amd": 84,
  "s-8vcpu-16gb-amd": 112,
  "s-1vcpu-1gb-intel": 7,
  "s-1vcpu-2gb-intel": 14,
  "s-2vcpu-2gb-intel": 21,
  "s-2vcpu-4gb-intel": 28,
  "s-2vcpu-8gb-intel": 42,
  "s-4vcpu-8gb-intel": 56,
  "s-4vcpu-16gb-intel": 84,
  "s-8vcpu-16gb-intel": 112,
  "c-2": 42,
  "c-4": 84,
  "c-8": 168,
  "g-2vcpu-8gb": 63,
  "g-4vcpu-16gb": 126,
  "g-8vcpu-32gb": 252,
  "m-2vcpu-16gb": 84,
  "m-4vcpu-32gb": 168,
};

/** Dollars a month of a gigabyte of block storage. */
const volume = 0.1;

/** What a host costs a month in dollars; null where that is not known from here: another's server, or a size with no price. */
export function monthlyCost(host: HostSpec): number | null {
  if (host.kind !== "digitalocean") return null;
  const droplet = droplets[host.size];
  return droplet === undefined ? null : droplet + (host.volume ?? 0) * volume;
}
