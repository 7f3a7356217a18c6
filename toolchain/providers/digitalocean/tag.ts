import type { Properties } from "../plugin/properties.ts";
import { replaces, resource } from "../plugin/resource.ts";
import { text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";

interface Count {
  count: number;
}

interface TagView {
  name: string;
  resources: Count & Record<"droplets" | "images" | "volumes" | "volume_snapshots" | "databases", Count>;
}

const stateOf = ({ name, resources }: TagView): Properties => ({
  name,
  totalResourceCount: resources.count,
  dropletsCount: resources.droplets.count,
  imagesCount: resources.images.count,
  volumesCount: resources.volumes.count,
  volumeSnapshotsCount: resources.volume_snapshots.count,
  databasesCount: resources.databases.count,
});

const path = (name: string) => `/v2/tags/${encodeURIComponent(name)}`;

/** A tag; its id is its name. One that exists already is taken over. */
export const tag = resource<DigitalOcean>()({
  inputs: { name: replaces(text) },
  outputs: [
    ...["databasesCount", "dropletsCount", "imagesCount", "totalResourceCount"],
    ...["volumeSnapshotsCount", "volumesCount"],
  ],
  autonamed: true,
  create: async ({ name }, { client, signal }) => {
    const { tag: made } = await client
      .send<{ tag: TagView }>("POST", "/v2/tags", signal, { name })
      .catch(failing("Error creating tag"));
    return { id: made.name, state: stateOf(made) };
  },
  read: async (id, _state, { client, signal }) => {
    const found = await client.find<{ tag: TagView }>(path(id), signal);
    return found && { id, state: stateOf(found.tag) };
  },
  delete: (id, _state, { client, signal }) => client.remove(path(id), signal),
});
