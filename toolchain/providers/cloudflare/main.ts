import type { Provider } from "../plugin/resource.ts";
import { serve } from "../plugin/serve.ts";
import { type Cloudflare, cloudflareApi, settings } from "./api.ts";

const pulls = () => import("./origin-pulls.ts");

/** Stand-in for the `cloudflare` provider, for a fake on this machine only. */
const cloudflare: Provider<Cloudflare> = {
  name: "cloudflare",
  config: settings,
  connect: cloudflareApi,
  resources: {
    "cloudflare:index/authenticatedOriginPulls:AuthenticatedOriginPulls": async () =>
      (await pulls()).originPulls,
    "cloudflare:index/authenticatedOriginPullsHostnameCertificate:AuthenticatedOriginPullsHostnameCertificate":
      async () => (await pulls()).hostnameCertificate,
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": async () =>
      (await pulls()).originPullsSettings,
    "cloudflare:index/dnsRecord:DnsRecord": async () => (await import("./dns-record.ts")).dnsRecord,
    "cloudflare:index/originCaCertificate:OriginCaCertificate": async () =>
      (await import("./origin-ca-certificate.ts")).originCaCertificate,
    "cloudflare:index/zoneSetting:ZoneSetting": async () => (await import("./zone-setting.ts")).zoneSetting,
  },
  functions: {
    "cloudflare:index/getZone:getZone": async (args, context) =>
      (await import("./functions.ts")).getZone(args, context),
    "cloudflare:index/getIpRanges:getIpRanges": async (args, context) =>
      (await import("./functions.ts")).getIpRanges(args, context),
  },
};

serve(cloudflare);
