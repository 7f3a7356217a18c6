import { z } from "zod";
import { type Route, route } from "../http/route.ts";
import { dropletAddress, privateAddress } from "./addresses.ts";
import type { Cloud } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import type { Droplet } from "./model.ts";
import { guards } from "./packet-policy.ts";
import { page } from "./page.ts";
import { dropletView, firewallView } from "./views.ts";
import { defaultVpc } from "./vpcs.ts";

/** Bytes of user-data that the API takes. */
const userDataLimit = 64 * 1024;

const creation = z.object({
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9.-]*$/,
      "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
    ),
  region: z.string().optional(),
  size: z.string(),
  image: z.union([z.string(), z.number()]),
  ssh_keys: z.array(z.union([z.string(), z.number()])).nullish(),
  backups: z.boolean().nullish(),
  ipv6: z.boolean().nullish(),
  monitoring: z.boolean().nullish(),
  private_networking: z.boolean().nullish(),
  with_droplet_agent: z.boolean().nullish(),
  public_networking: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
  user_data: z.string().nullish(),
  volumes: z.array(z.union([z.string(), z.object({ id: z.string() })])).nullish(),
  vpc_uuid: z.string().nullish(),
});

type Creation = z.infer<typeof creation>;

/** Everything a request means, or the first thing wrong with it; nothing is changed by asking. */
const wanted = (cloud: Cloud, asked: Creation) => {
  if (asked.public_networking === false || asked.ipv6) {
    throw unprocessable("The fake has droplets with public IPv4 addresses only.");
  }
  const userData = asked.user_data ?? "";
  if (Buffer.byteLength(userData) > userDataLimit)
    throw unprocessable("User data is too long (maximum is 64 KiB)");
  const region = cloud.region(asked.region ?? "fra1").slug;
  const keys = (asked.ssh_keys ?? []).map((given) => {
    const key = cloud.account.keys.find(
      ({ id, fingerprint }) => id === Number(given) || fingerprint === given,
    );
    if (!key) throw unprocessable(`${given} are invalid key identifiers for Droplet creation.`);
    return key.id;
  });
  const volumes = (asked.volumes ?? []).map((given) =>
    cloud.volume(typeof given === "string" ? given : given.id),
  );
  if (volumes.some((volume) => volume.droplet !== null || volume.region !== region)) {
    throw unprocessable("Volume is already attached or in another region.");
  }
  const vpc = asked.vpc_uuid ? cloud.vpc(asked.vpc_uuid) : undefined;
  if (vpc && vpc.region !== region) throw unprocessable("VPC is in another region.");
  return {
    region,
    keys,
    volumes,
    vpc,
    userData,
    size: cloud.size(asked.size),
    image: cloud.image(asked.image),
  };
};

const features = (asked: Creation): string[] => [
  ...(asked.backups ? ["backups"] : []),
  ...(asked.monitoring ? ["monitoring"] : []),
  "droplet_agent",
  "private_networking",
];

const create = (cloud: Cloud, asked: Creation): Droplet => {
  const { region, keys, volumes, vpc, userData, size, image } = wanted(cloud, asked);
  const home = vpc ?? defaultVpc(cloud, region);
  const { account } = cloud;
  const place = account.lastAddress;
  const droplet: Droplet = {
    id: cloud.nextId(),
    name: asked.name,
    region,
    size: size.slug,
    image: image.slug,
    disk: size.disk,
    status: "new",
    createdAt: cloud.time(),
    features: features(asked),
    tags: cloud.knowTags(asked.tags ?? []),
    vpc: home.id,
    address: dropletAddress(cloud.plan, place),
    privateAddress: privateAddress(home.ipRange, place),
    keys,
    userData,
  };
  account.lastAddress = place + 1;
  account.droplets.push(droplet);
  for (const volume of volumes) volume.droplet = droplet.id;
  return droplet;
};

/** Droplets: made, listed, removed. Their actions stand in droplet-actions.ts. */
export const dropletRoutes = (cloud: Cloud): Route[] => {
  const view = (droplet: Droplet) => dropletView(cloud, droplet);
  return [
    route("GET", "/v2/droplets", (call) => {
      const [tag, name] = [call.query.get("tag_name"), call.query.get("name")];
      const droplets = cloud.account.droplets.filter(
        (droplet) => (!tag || droplet.tags.includes(tag)) && (!name || droplet.name === name),
      );
      return page("droplets", droplets.map(view), call);
    }),
    route("POST", "/v2/droplets", ({ body }) => {
      const droplet = create(cloud, parsed(creation, body));
      const action = cloud.boot(droplet);
      const href = `https://api.digitalocean.com/v2/actions/${action.id}`;
      return {
        status: 202,
        body: { droplet: view(droplet), links: { actions: [{ id: action.id, rel: "create", href }] } },
        created: `/v2/droplets/${droplet.id}`,
      };
    }),
    route("GET", "/v2/droplets/:id", ({ params }) => ({
      status: 200,
      body: { droplet: view(cloud.droplet(params.id)) },
    })),
    route("GET", "/v2/droplets/:id/firewalls", (call) => {
      const droplet = cloud.droplet(call.params.id);
      const guarding = cloud.account.firewalls.filter((firewall) => guards(firewall, droplet));
      const views = guarding.map((firewall) => firewallView(cloud, firewall));
      return page("firewalls", views, call);
    }),
    route("DELETE", "/v2/droplets/:id", async ({ params }) => {
      const droplet = cloud.droplet(params.id);
      if (cloud.isBusy(`droplet:${droplet.id}`)) throw unprocessable("Droplet already has a pending event.");
      const { account } = cloud;
      // Gone from the account at once, as on the real one; its machine takes the time it takes.
      account.droplets = account.droplets.filter((each) => each !== droplet);
      const attached = account.volumes.filter((volume) => volume.droplet === droplet.id);
      for (const volume of attached) volume.droplet = null;
      for (const reserved of account.reservedIps)
        if (reserved.droplet === droplet.id) reserved.droplet = null;
      for (const firewall of account.firewalls) {
        firewall.dropletIds = firewall.dropletIds.filter((id) => id !== droplet.id);
      }
      cloud.save();
      cloud.act(cloud.subject("destroy", droplet), async () => {
        for (const volume of attached) await cloud.driver.detach(droplet.id, cloud.device(volume));
        await cloud.driver.remove(droplet.id);
        await cloud.filter();
      });
      return { status: 204 };
    }),
  ];
};
