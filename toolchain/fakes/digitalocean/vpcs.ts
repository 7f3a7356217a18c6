import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { overlap, vpcRange } from "./addresses.ts";
import type { Cloud } from "./cloud.ts";
import { ApiError, parsed, unprocessable } from "./dialect.ts";
import type { Vpc } from "./model.ts";
import { page } from "./page.ts";
import { vpcView } from "./views.ts";

const name = z.string().regex(/^[a-zA-Z0-9\-.]+$/, "name may hold only letters, digits, dashes and periods");
const creation = z.object({
  name,
  region: z.string(),
  description: z.string().max(255).nullish(),
  ip_range: z
    .string()
    .regex(/^(\d{1,3}\.){3}\d{1,3}\/(1[6-9]|2[0-8])$/, "ip_range must be between /28 and /16")
    .nullish(),
});
const change = z.object({ name, description: z.string().max(255).nullish(), default: z.boolean().nullish() });
const patch = change.partial();

const create = (cloud: Cloud, asked: z.infer<typeof creation>, isDefault: boolean): Vpc => {
  const region = cloud.region(asked.region).slug;
  const { account } = cloud;
  if (account.vpcs.some((vpc) => vpc.name === asked.name)) throw unprocessable("VPC name is already in use");
  const ipRange = asked.ip_range ?? vpcRange(cloud.plan, account.lastRange);
  if (account.vpcs.some((vpc) => overlap(vpc.ipRange, ipRange)) || overlap(cloud.plan.public, ipRange)) {
    throw unprocessable("This range/size overlaps with another VPC network in your account");
  }
  if (!asked.ip_range) account.lastRange += 1;
  const vpc: Vpc = {
    id: randomUUID(),
    name: asked.name,
    description: asked.description ?? "",
    region,
    ipRange,
    default: isDefault,
    createdAt: cloud.time(),
  };
  account.vpcs.push(vpc);
  cloud.save();
  return vpc;
};

/** Where a region's droplets go that name no VPC; made with the first of them. */
export const defaultVpc = (cloud: Cloud, region: string): Vpc =>
  cloud.account.vpcs.find((vpc) => vpc.default && vpc.region === region) ??
  create(cloud, { name: `default-${region}`, region }, true);

const apply = (cloud: Cloud, vpc: Vpc, asked: z.infer<typeof patch>): void => {
  vpc.name = asked.name ?? vpc.name;
  vpc.description = asked.description ?? vpc.description;
  if (asked.default && !vpc.default) {
    for (const other of cloud.account.vpcs) if (other.region === vpc.region) other.default = false;
    vpc.default = true;
  }
  cloud.save();
};

/** Private networks of droplets. */
export const vpcRoutes = (cloud: Cloud): Route[] => {
  const answer = (status: number, vpc: Vpc) => ({ status, body: { vpc: vpcView(vpc) } });
  const members = (id: string) => cloud.account.droplets.filter((droplet) => droplet.vpc === id);
  const changed = (schema: typeof change | typeof patch) => (call: Call) => {
    const vpc = cloud.vpc(call.params.id);
    apply(cloud, vpc, parsed<z.infer<typeof patch>>(schema, call.body));
    return answer(200, vpc);
  };
  return [
    route("GET", "/v2/vpcs", (call) => page("vpcs", cloud.account.vpcs.map(vpcView), call)),
    route("POST", "/v2/vpcs", ({ body }) => {
      const vpc = create(cloud, parsed(creation, body), false);
      return { ...answer(201, vpc), created: `/v2/vpcs/${vpc.id}` };
    }),
    route("GET", "/v2/vpcs/:id", ({ params }) => answer(200, cloud.vpc(params.id))),
    route("PUT", "/v2/vpcs/:id", changed(change)),
    route("PATCH", "/v2/vpcs/:id", changed(patch)),
    route("GET", "/v2/vpcs/:id/members", (call) => {
      const views = members(cloud.vpc(call.params.id).id).map((droplet) => ({
        urn: `do:droplet:${droplet.id}`,
        name: droplet.name,
        created_at: droplet.createdAt,
      }));
      return page("members", views, call);
    }),
    route("DELETE", "/v2/vpcs/:id", ({ params }) => {
      const vpc = cloud.vpc(params.id);
      if (vpc.default) throw new ApiError(403, "forbidden", "Can not delete default VPCs");
      if (members(vpc.id).length > 0) throw new ApiError(409, "conflict", "Can not delete VPC with members");
      cloud.account.vpcs = cloud.account.vpcs.filter((each) => each !== vpc);
      cloud.save();
      return { status: 204 };
    }),
  ];
};
