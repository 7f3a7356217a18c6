import { createHash } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import type { Context } from "../plugin/resource.ts";
import type { Cloudflare } from "./api.ts";

interface ZoneView {
  id: string;
  name: string;
  status: string;
  paused: boolean;
  type: string;
  name_servers: string[];
  created_on: string;
  modified_on: string;
  activated_on: string;
  account: { id: string; name: string };
}

/** What of a zone a program may want; what it may not is left out. */
const zoneState = (zone: ZoneView): Properties => ({
  id: zone.id,
  zoneId: zone.id,
  name: zone.name,
  status: zone.status,
  paused: zone.paused,
  type: zone.type,
  nameServers: zone.name_servers,
  createdOn: zone.created_on,
  modifiedOn: zone.modified_on,
  activatedOn: zone.activated_on,
  account: zone.account,
});

/** A zone by its id, or by a filter that fits exactly one. */
export const getZone = async (
  { zoneId, filter }: Properties,
  { client, signal }: Context<Cloudflare>,
): Promise<Properties> => {
  if (typeof zoneId === "string") {
    return zoneState(await client.ask<ZoneView>("GET", `zones/${zoneId}`, signal));
  }
  const { name, status } = (filter ?? {}) as { name?: string; status?: string };
  const query = new URLSearchParams({ ...(name ? { name } : {}), ...(status ? { status } : {}) });
  const found = await client.ask<ZoneView[]>("GET", `zones?${query}`, signal);
  const [only] = found;
  if (!only || found.length > 1)
    throw new Error(`failed to find exactly one result: ${found.length} zones fit`);
  return { ...zoneState(only), filter: filter ?? {} };
};

/** Where Cloudflare's edge sends its requests from. */
export const getIpRanges = async (
  _args: Properties,
  { client, signal }: Context<Cloudflare>,
): Promise<Properties> => {
  const ranges = await client.ask<{ ipv4_cidrs: string[]; ipv6_cidrs: string[]; etag: string }>(
    "GET",
    "ips",
    signal,
  );
  return {
    id: createHash("md5").update(ranges.etag).digest("hex"),
    etag: ranges.etag,
    ipv4Cidrs: ranges.ipv4_cidrs,
    ipv6Cidrs: ranges.ipv6_cidrs,
    jdcloudCidrs: [],
  };
};
