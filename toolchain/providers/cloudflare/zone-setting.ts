import type { Properties, Value } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { anything, flag, text } from "../plugin/types.ts";
import type { Cloudflare } from "./api.ts";

interface SettingView {
  id: string;
  value: Value;
  editable: boolean;
  modified_on: string | null;
}

const stateOf = (setting: SettingView, zoneId: Value | undefined): Properties => ({
  zoneId: zoneId ?? null,
  settingId: setting.id,
  value: setting.value,
  editable: setting.editable,
  modifiedOn: setting.modified_on,
});

const path = (zone: Value | undefined, setting: Value | undefined) =>
  `zones/${String(zone)}/settings/${String(setting)}`;

/** One setting of a zone; its id is the setting's name. Deleting it leaves the zone as it is. */
export const zoneSetting = resource<Cloudflare>()({
  inputs: {
    zoneId: replaces(text, { required: true }),
    settingId: replaces(text, { required: true }),
    value: updates(anything, { required: true }),
    enabled: updates(flag, { computed: true }),
  },
  outputs: ["editable", "modifiedOn", "timeRemaining"],
  updated: ["modifiedOn"],
  create: async ({ zoneId, settingId, value }, { client, signal }) => {
    const set = await client.ask<SettingView>("PATCH", path(zoneId, settingId), signal, { value });
    return { id: settingId, state: stateOf(set, zoneId) };
  },
  read: async (id, state, { client, signal }) => {
    const found = await client.look<SettingView>(path(state.zoneId, id), signal);
    return found && { id, state: stateOf(found, state.zoneId) };
  },
  update: async (id, { zoneId, value }, _state, { client, signal }) =>
    stateOf(await client.ask<SettingView>("PATCH", path(zoneId, id), signal, { value }), zoneId),
  delete: async () => {},
});
