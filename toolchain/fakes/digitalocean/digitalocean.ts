import { type Api, type Conduct, Fake } from "../http/fake.ts";
import { Faults } from "../http/faults.ts";
import { Cloud, type CloudSettings } from "./cloud.ts";
import { dialect } from "./dialect.ts";
import { dropletActionRoutes } from "./droplet-actions.ts";
import { dropletRoutes } from "./droplets.ts";
import { firewallRoutes } from "./firewalls.ts";
import { keyRoutes } from "./keys.ts";
import { offerRoutes } from "./offers.ts";
import { reservedIpRoutes } from "./reserved-ips.ts";
import { tagRoutes } from "./tags.ts";
import { volumeRoutes } from "./volumes.ts";
import { vpcRoutes } from "./vpcs.ts";

/** The API over one account. */
const apiOf = (cloud: Cloud): Api => ({
  name: "digitalocean",
  dialect,
  rateLimit: { requests: 5000, seconds: 3600 },
  routes: [
    ...offerRoutes(cloud),
    ...keyRoutes(cloud),
    ...dropletActionRoutes(cloud),
    ...dropletRoutes(cloud),
    ...reservedIpRoutes(cloud),
    ...firewallRoutes(cloud),
    ...volumeRoutes(cloud),
    ...tagRoutes(cloud),
    ...vpcRoutes(cloud),
  ],
});

/** DigitalOcean's API v2 as far as a fleet uses it. `cloud.resume()` before it listens. */
export const digitalOcean = (
  conduct: Conduct,
  settings: CloudSettings,
): { fake: Fake; cloud: Cloud; faults: Faults } => {
  const faults = new Faults();
  const cloud = new Cloud({ ...settings, ...(conduct.now ? { now: conduct.now } : {}) }, faults);
  return { fake: new Fake(apiOf(cloud), conduct, faults), cloud, faults };
};
