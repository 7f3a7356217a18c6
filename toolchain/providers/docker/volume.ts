import type { Properties } from "../plugin/properties.ts";
import { replaces, resource } from "../plugin/resource.ts";
import { field, map, object, set, text } from "../plugin/types.ts";
import { type Engine, labelList, labelMap, unless } from "./engine.ts";

const required = { required: true } as const;

/** What the engine says about a volume. */
interface VolumeInspect {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
}

const volumeState = (volume: VolumeInspect): Properties => ({
  name: volume.Name,
  driver: volume.Driver,
  driverOpts: volume.Options ?? {},
  labels: labelList(volume.Labels),
  mountpoint: volume.Mountpoint,
});

/** A named volume; its id is its name, and its data goes with it. */
export const volume = resource<Engine>()({
  inputs: {
    name: replaces(text, { required: true }),
    driver: replaces(text, { computed: true }),
    driverOpts: replaces(map(text)),
    labels: replaces(set(object({ label: field(text, required), value: field(text, required) }))),
  },
  outputs: ["mountpoint"],
  autonamed: true,
  create: async ({ name, driver, driverOpts, labels }, { client, signal }) => {
    const spec = { Name: name, Driver: driver, DriverOpts: driverOpts, Labels: labelMap(labels) };
    const made = JSON.parse(await client.post("/volumes/create", signal, spec)) as VolumeInspect;
    return { id: made.Name, state: volumeState(made) };
  },
  read: async (id, _state, { client, signal }) => {
    const found = await client.find<VolumeInspect>(`/volumes/${encodeURIComponent(id)}`, signal);
    return found && { id: found.Name, state: volumeState(found) };
  },
  delete: async (id, _state, { client, signal }) => {
    await client.send("DELETE", `/volumes/${encodeURIComponent(id)}`, signal).catch(unless(404));
  },
});
