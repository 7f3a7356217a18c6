import { z } from "zod";
import { type Route, route } from "../http/route.ts";
import type { Cloud } from "./cloud.ts";
import { ApiError, page, parsed, succeeded } from "./dialect.ts";
import type { Zone } from "./model.ts";

const accountId = "00000000000000000000000000000001";

const view = (zone: Zone) => ({
  id: zone.id,
  name: zone.name,
  status: "active",
  paused: false,
  type: "full",
  development_mode: 0,
  name_servers: ["ada.ns.fake.invalid", "bob.ns.fake.invalid"],
  original_name_servers: [],
  original_registrar: null,
  original_dnshost: null,
  created_on: zone.createdOn,
  modified_on: zone.createdOn,
  activated_on: zone.createdOn,
  meta: { phishing_detected: false },
  owner: { id: null, type: "user", email: null },
  account: { id: accountId, name: "A fake account" },
  permissions: ["#dns_records:edit", "#dns_records:read", "#zone:read", "#zone_settings:edit"],
  plan: { id: "free", name: "Free Website", legacy_id: "free" },
});

const onOff = z.enum(["on", "off"]);

/** Settings that a fleet may touch: what they take, and what they are before anybody does. */
const settings: Record<string, { takes: z.ZodType; initially: unknown }> = {
  always_use_https: { takes: onOff, initially: "off" },
  automatic_https_rewrites: { takes: onOff, initially: "on" },
  brotli: { takes: onOff, initially: "on" },
  http3: { takes: onOff, initially: "on" },
  max_upload: { takes: z.int().min(100).max(500), initially: 100 },
  min_tls_version: { takes: z.enum(["1.0", "1.1", "1.2", "1.3"]), initially: "1.0" },
  opportunistic_encryption: { takes: onOff, initially: "on" },
  ssl: { takes: z.enum(["off", "flexible", "full", "strict", "origin_pull"]), initially: "off" },
  tls_1_3: { takes: z.enum(["on", "off", "zrt"]), initially: "on" },
  tls_client_auth: { takes: onOff, initially: "off" },
  websockets: { takes: onOff, initially: "on" },
};

const settingView = (zone: Zone, id: string) => ({
  id,
  value: zone.settings[id]?.value ?? settings[id]?.initially,
  editable: true,
  modified_on: zone.settings[id]?.modifiedOn ?? null,
});

const known = (id: string | undefined): string => {
  if (id === undefined || !(id in settings)) {
    throw new ApiError(
      404,
      1003,
      `Undefined zone setting: ${id}; the fake has ${Object.keys(settings).join(", ")}`,
    );
  }
  return id;
};

/** Zones, and what is set for a whole one. */
export const zoneRoutes = (cloud: Cloud): Route[] => [
  route("GET", "/client/v4/zones", (call) => {
    const [name, status] = [call.query.get("name"), call.query.get("status")];
    const fitting = cloud.account.zones.filter(
      (zone) => (!name || zone.name === name) && (!status || status === "active"),
    );
    return page(fitting.map(view), call);
  }),
  route("GET", "/client/v4/zones/:zone", ({ params }) => succeeded(view(cloud.zone(params.zone)))),
  route("GET", "/client/v4/zones/:zone/settings", ({ params }) => {
    const zone = cloud.zone(params.zone);
    return succeeded(Object.keys(settings).map((id) => settingView(zone, id)));
  }),
  route("GET", "/client/v4/zones/:zone/settings/:setting", ({ params }) =>
    succeeded(settingView(cloud.zone(params.zone), known(params.setting))),
  ),
  route("PATCH", "/client/v4/zones/:zone/settings/:setting", ({ params, body }) => {
    const zone = cloud.zone(params.zone);
    const id = known(params.setting);
    const { value } = parsed(z.object({ value: z.unknown() }), body);
    if (!settings[id]?.takes.safeParse(value).success) {
      throw new ApiError(400, 1007, `Invalid value for zone setting ${id}`);
    }
    zone.settings[id] = { value, modifiedOn: cloud.time() };
    cloud.save();
    return succeeded(settingView(zone, id));
  }),
];
