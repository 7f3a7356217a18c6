import { z } from "zod";
import { type Route, route } from "../http/route.ts";
import { reservedAddress } from "./addresses.ts";
import { type Cloud, found } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import type { Action, ReservedIp } from "./model.ts";
import { page } from "./page.ts";
import { actionView, reservedIpView } from "./views.ts";

const creation = z.union([z.object({ droplet_id: z.int() }), z.object({ region: z.string() })]);

const request = z.discriminatedUnion("type", [
  z.object({ type: z.literal("assign"), droplet_id: z.int() }),
  z.object({ type: z.literal("unassign") }),
]);

/** Gives the address to a droplet, or takes it from the one that has it. */
const move = (cloud: Cloud, reserved: ReservedIp, to: number | null): Action => {
  const type = to === null ? "unassign_ip" : "assign_ip";
  const numbered = reserved.ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return cloud.act(
    {
      type,
      of: `reserved_ip:${reserved.ip}`,
      resourceType: "reserved_ip",
      resourceId: numbered,
      region: reserved.region,
      ...(to === null ? {} : { also: `droplet:${to}` }),
    },
    async () => {
      if (reserved.droplet !== null) await cloud.driver.reserve(reserved.droplet, undefined);
      if (to !== null) await cloud.driver.reserve(to, reserved.ip);
      reserved.droplet = to;
      await cloud.filter();
    },
  );
};

/** Addresses that outlive droplets. A droplet has at most one. */
export const reservedIpRoutes = (cloud: Cloud): Route[] => {
  const { account } = cloud;
  const view = (reserved: ReservedIp) => reservedIpView(cloud, reserved);
  const of = (ip: string | undefined) => found(account.reservedIps.find((reserved) => reserved.ip === ip));
  const mayHold = (id: number, region: string) => {
    const droplet = cloud.droplet(id);
    if (droplet.region !== region)
      throw unprocessable("The Droplet and the reserved IP are in different regions.");
    if (account.reservedIps.some((reserved) => reserved.droplet === id)) {
      throw unprocessable("Droplet already has a reserved IP.");
    }
    return droplet;
  };
  return [
    route("GET", "/v2/reserved_ips", (call) => page("reserved_ips", account.reservedIps.map(view), call)),
    route("POST", "/v2/reserved_ips", ({ body }) => {
      const asked = parsed(creation, body);
      const region =
        "region" in asked ? cloud.region(asked.region).slug : cloud.droplet(asked.droplet_id).region;
      if ("droplet_id" in asked) mayHold(asked.droplet_id, region);
      const reserved: ReservedIp = {
        ip: reservedAddress(cloud.plan, account.lastReserved + 1),
        region,
        droplet: null,
      };
      account.lastReserved += 1;
      account.reservedIps.push(reserved);
      cloud.save();
      if ("droplet_id" in asked) move(cloud, reserved, asked.droplet_id);
      return {
        status: 202,
        body: { reserved_ip: view(reserved) },
        created: `/v2/reserved_ips/${reserved.ip}`,
      };
    }),
    route("GET", "/v2/reserved_ips/:ip", ({ params }) => ({
      status: 200,
      body: { reserved_ip: view(of(params.ip)) },
    })),
    route("DELETE", "/v2/reserved_ips/:ip", async ({ params }) => {
      const reserved = of(params.ip);
      if (cloud.isBusy(`reserved_ip:${reserved.ip}`))
        throw unprocessable("Resource already has a pending event.");
      if (reserved.droplet !== null) await cloud.driver.reserve(reserved.droplet, undefined);
      account.reservedIps = account.reservedIps.filter((each) => each !== reserved);
      await cloud.filter();
      cloud.save();
      return { status: 204 };
    }),
    route("POST", "/v2/reserved_ips/:ip/actions", ({ params, body }) => {
      const reserved = of(params.ip);
      const asked = parsed(request, body);
      if (asked.type === "unassign" && reserved.droplet === null) {
        throw unprocessable("The reserved IP is not assigned to a Droplet.");
      }
      const to = asked.type === "assign" ? asked.droplet_id : null;
      if (to !== null) mayHold(to, reserved.region);
      return { status: 201, body: { action: actionView(move(cloud, reserved, to)) } };
    }),
    route("GET", "/v2/reserved_ips/:ip/actions/:action", ({ params }) => {
      const wanted = account.actions.find(
        ({ id, of: subject }) => id === Number(params.action) && subject === `reserved_ip:${params.ip}`,
      );
      return { status: 200, body: { action: actionView(found(wanted)) } };
    }),
  ];
};
