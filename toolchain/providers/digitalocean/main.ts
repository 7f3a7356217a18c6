import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";
import { account, type DigitalOcean, settings } from "./account.ts";

/** Stand-in for the `digitalocean` provider, for a fake on this machine only. */
const digitalocean: Provider<DigitalOcean> = {
  name: "digitalocean",
  config: settings,
  connect: account,
  resources: {
    "digitalocean:index/droplet:Droplet": async () => (await import("./droplet.ts")).droplet,
    "digitalocean:index/firewall:Firewall": async () => (await import("./firewall.ts")).firewall,
    "digitalocean:index/reservedIp:ReservedIp": async () => (await import("./reserved-ip.ts")).reservedIp,
    "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": async () =>
      (await import("./reserved-ip.ts")).reservedIpAssignment,
    "digitalocean:index/sshKey:SshKey": async () => (await import("./ssh-key.ts")).sshKey,
    "digitalocean:index/tag:Tag": async () => (await import("./tag.ts")).tag,
    "digitalocean:index/volume:Volume": async () => (await import("./volume.ts")).volume,
    "digitalocean:index/volumeAttachment:VolumeAttachment": async () =>
      (await import("./volume.ts")).volumeAttachment,
    "digitalocean:index/vpc:Vpc": async () => (await import("./vpc.ts")).vpc,
  },
};

serve(digitalocean);
