import { createHash } from "node:crypto";
import { type Api, type Conduct, Fake } from "../http/fake.ts";
import { Faults } from "../http/faults.ts";
import { type Route, route } from "../http/route.ts";
import { certificateRoutes } from "./certificates.ts";
import { Cloud, type CloudSettings } from "./cloud.ts";
import { dialect, succeeded } from "./dialect.ts";
import { originPullRoutes } from "./origin-pulls.ts";
import { recordRoutes } from "./records.ts";
import { zoneRoutes } from "./zones.ts";

const accountRoutes = ({ edge }: Cloud): Route[] => [
  route("GET", "/client/v4/ips", () =>
    succeeded({
      ipv4_cidrs: edge.ipv4,
      ipv6_cidrs: edge.ipv6,
      etag: createHash("md5").update(JSON.stringify(edge)).digest("hex"),
    }),
  ),
  route("GET", "/client/v4/user/tokens/verify", () =>
    succeeded(
      { id: "00000000000000000000000000000002", status: "active" },
      { messages: [{ code: 10000, message: "This API Token is valid and active", type: null }] },
    ),
  ),
];

const apiOf = (cloud: Cloud): Api => ({
  name: "cloudflare",
  dialect,
  rateLimit: { requests: 1200, seconds: 300 },
  open: ["/client/v4/ips"],
  routes: [
    ...accountRoutes(cloud),
    ...zoneRoutes(cloud),
    ...recordRoutes(cloud),
    ...certificateRoutes(cloud),
    // The certificates' paths before the hostnames', which would take "certificates" for one.
    ...originPullRoutes(cloud),
  ],
});

/** Cloudflare's API v4 as far as a fleet uses it. */
export const cloudflare = (
  conduct: Conduct,
  settings: CloudSettings,
): { fake: Fake; cloud: Cloud; faults: Faults } => {
  const faults = new Faults();
  const cloud = new Cloud({ ...settings, ...(conduct.now ? { now: conduct.now } : {}) });
  return { fake: new Fake(apiOf(cloud), conduct, faults), cloud, faults };
};
