import { images, imageView, regions, regionView, sizes, sizeView } from "./catalog.ts";
import type { Cloud } from "./cloud.ts";
import type { Action, Droplet, Firewall, FirewallRule, ReservedIp, SshKey, Volume, Vpc } from "./model.ts";

/** The forms in which the API answers; field names are the API's. */

const regionOf = (slug: string) => {
  const region = regions.find((each) => each.slug === slug);
  return region ? regionView(region) : null;
};

export const keyView = ({ id, name, publicKey, fingerprint }: SshKey) => ({
  id,
  name,
  public_key: publicKey,
  fingerprint,
});

export const actionView = (action: Action) => ({
  id: action.id,
  status: action.status,
  type: action.type,
  started_at: action.startedAt,
  completed_at: action.completedAt,
  resource_id: action.resourceId,
  resource_type: action.resourceType,
  region: regionOf(action.region),
  region_slug: action.region,
});

/** A droplet that has not booted yet has no addresses to show. */
const networks = (droplet: Droplet) => {
  if (droplet.status === "new") return { v4: [], v6: [] };
  const v4 = [
    { ip_address: droplet.privateAddress, netmask: "255.255.255.0", gateway: "", type: "private" },
    { ip_address: droplet.address, netmask: "255.255.128.0", gateway: "198.18.0.1", type: "public" },
  ];
  return { v4, v6: [] };
};

export const dropletView = (cloud: Cloud, droplet: Droplet) => {
  const size = sizes.find(({ slug }) => slug === droplet.size);
  const image = images.find(({ slug }) => slug === droplet.image);
  return {
    id: droplet.id,
    name: droplet.name,
    memory: size?.memory,
    vcpus: size?.vcpus,
    disk: droplet.disk,
    locked: cloud.isBusy(`droplet:${droplet.id}`),
    status: droplet.status,
    kernel: null,
    created_at: droplet.createdAt,
    features: droplet.features,
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: image ? imageView(image) : null,
    volume_ids: cloud.account.volumes.filter((volume) => volume.droplet === droplet.id).map(({ id }) => id),
    size: size ? sizeView(size) : null,
    size_slug: droplet.size,
    networks: networks(droplet),
    region: regionOf(droplet.region),
    tags: droplet.tags,
    vpc_uuid: droplet.vpc,
  };
};

export const reservedIpView = (cloud: Cloud, { ip, region, droplet }: ReservedIp) => {
  const holder = cloud.account.droplets.find(({ id }) => id === droplet);
  return {
    ip,
    region: regionOf(region),
    droplet: holder ? dropletView(cloud, holder) : null,
    locked: cloud.isBusy(`reserved_ip:${ip}`),
    project_id: null,
  };
};

const ruleView = ({ protocol, ports, peers }: FirewallRule, side: "sources" | "destinations") => ({
  protocol,
  // All ports read as "0".
  ports: ports === "all" || ports === "" ? "0" : ports,
  [side]: {
    ...(peers.addresses.length > 0 ? { addresses: peers.addresses } : {}),
    ...(peers.tags.length > 0 ? { tags: peers.tags } : {}),
    ...(peers.dropletIds.length > 0 ? { droplet_ids: peers.dropletIds } : {}),
  },
});

export const firewallView = (cloud: Cloud, firewall: Firewall) => ({
  id: firewall.id,
  name: firewall.name,
  status: cloud.filterFailed ? "failed" : "succeeded",
  created_at: firewall.createdAt,
  pending_changes: [],
  inbound_rules: firewall.inbound.map((rule) => ruleView(rule, "sources")),
  outbound_rules: firewall.outbound.map((rule) => ruleView(rule, "destinations")),
  droplet_ids: firewall.dropletIds,
  tags: firewall.tags,
});

export const volumeView = (volume: Volume) => ({
  id: volume.id,
  name: volume.name,
  description: volume.description,
  size_gigabytes: volume.size,
  droplet_ids: volume.droplet === null ? [] : [volume.droplet],
  region: regionOf(volume.region),
  filesystem_type: volume.filesystem,
  filesystem_label: volume.label,
  created_at: volume.createdAt,
  tags: volume.tags,
});

export const vpcView = (vpc: Vpc) => ({
  id: vpc.id,
  urn: `do:vpc:${vpc.id}`,
  name: vpc.name,
  description: vpc.description,
  region: vpc.region,
  ip_range: vpc.ipRange,
  default: vpc.default,
  created_at: vpc.createdAt,
});

/** A tag with how many things carry it. */
export const tagView = (cloud: Cloud, name: string) => {
  const count = (list: readonly { tags: string[] }[]) => ({
    count: list.filter(({ tags }) => tags.includes(name)).length,
  });
  const [droplets, volumes, none] = [
    count(cloud.account.droplets),
    count(cloud.account.volumes),
    { count: 0 },
  ];
  const resources = { droplets, volumes, images: none, volume_snapshots: none, databases: none };
  return { name, resources: { count: droplets.count + volumes.count, ...resources } };
};
