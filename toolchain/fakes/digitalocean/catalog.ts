/** What the fake has on offer: the part of the real catalogue that a fleet of ours would choose from. */

export interface Size {
  slug: string;
  /** MB. */
  memory: number;
  vcpus: number;
  /** GB. */
  disk: number;
  /** TB a month. */
  transfer: number;
  /** US dollars a month; the hourly price follows from it. */
  monthly: number;
}

const size = (
  slug: string,
  vcpus: number,
  gigabytes: number,
  disk: number,
  transfer: number,
  monthly: number,
) => ({
  slug,
  vcpus,
  memory: gigabytes * 1024,
  disk,
  transfer,
  monthly,
});

export const sizes: readonly Size[] = [
  size("s-1vcpu-1gb", 1, 1, 25, 1, 6),
  size("s-1vcpu-2gb", 1, 2, 50, 2, 12),
  size("s-2vcpu-2gb", 2, 2, 60, 3, 18),
  size("s-2vcpu-4gb", 2, 4, 80, 4, 24),
  size("s-4vcpu-8gb", 4, 8, 160, 5, 48),
  size("s-8vcpu-16gb", 8, 16, 320, 6, 96),
];

/** A month of billing has at most 672 hours. */
const hoursBilled = 672;

export const sizeView = (of: Size) => ({
  slug: of.slug,
  memory: of.memory,
  vcpus: of.vcpus,
  disk: of.disk,
  transfer: of.transfer,
  price_monthly: of.monthly,
  price_hourly: Number((of.monthly / hoursBilled).toFixed(5)),
  regions: regions.map(({ slug }) => slug),
  available: true,
  description: "Basic",
});

export interface Region {
  slug: string;
  name: string;
}

export const regions: readonly Region[] = [
  { slug: "ams3", name: "Amsterdam 3" },
  { slug: "fra1", name: "Frankfurt 1" },
  { slug: "lon1", name: "London 1" },
  { slug: "nyc3", name: "New York 3" },
];

export const regionView = (of: Region) => ({
  slug: of.slug,
  name: of.name,
  features: ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"],
  available: true,
  sizes: sizes.map(({ slug }) => slug),
});

export interface Image {
  id: number;
  slug: string;
  distribution: string;
  name: string;
}

/** Both boot the same Debian where droplets really boot; the driver says so. */
export const images: readonly Image[] = [
  { id: 195_932_981, slug: "debian-12-x64", distribution: "Debian", name: "12 x64" },
  { id: 195_932_982, slug: "ubuntu-24-04-x64", distribution: "Ubuntu", name: "24.04 (LTS) x64" },
];

export const imageView = (of: Image) => ({
  id: of.id,
  name: of.name,
  distribution: of.distribution,
  slug: of.slug,
  public: true,
  regions: regions.map(({ slug }) => slug),
  created_at: "2026-01-15T00:00:00Z",
  min_disk_size: 10,
  type: "base",
  size_gigabytes: 2.3,
  description: `${of.distribution} ${of.name}`,
  tags: [],
  status: "available",
});
