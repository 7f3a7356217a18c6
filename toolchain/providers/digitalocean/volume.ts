import { randomBytes } from "node:crypto";
import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, strings, updates } from "../plugin/resource.ts";
import { choice, type Filled, number, set, text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";
import { slug } from "./lower-case.ts";

const inputs = {
  name: replaces(text),
  region: replaces(slug, { required: true }),
  size: updates(number, { required: true }),
  description: replaces(text),
  snapshotId: replaces(text),
  initialFilesystemType: replaces(choice("ext4", "xfs")),
  initialFilesystemLabel: replaces(text),
  filesystemType: updates(choice("ext4", "xfs"), { computed: true }),
  tags: updates(set(text)),
};

type VolumeInputs = Filled<typeof inputs>;

interface VolumeView {
  id: string;
  name: string;
  description: string;
  size_gigabytes: number;
  droplet_ids: number[];
  region: { slug: string };
  filesystem_type: string;
  filesystem_label: string;
  tags: string[];
}

const stateOf = (volume: VolumeView): Properties => ({
  name: volume.name,
  region: volume.region.slug,
  size: volume.size_gigabytes,
  volumeUrn: `do:volume:${volume.id}`,
  dropletIds: volume.droplet_ids,
  filesystemType: volume.filesystem_type,
  filesystemLabel: volume.filesystem_label,
  tags: volume.tags.toSorted(),
  ...(volume.description === "" ? {} : { description: volume.description }),
});

const path = (id: string) => `/v2/volumes/${id}`;

const find = async (id: string, { client, signal }: Context<DigitalOcean>) =>
  (await client.find<{ volume: VolumeView }>(path(id), signal))?.volume;

const create = async (given: VolumeInputs, { client, signal }: Context<DigitalOcean>) => {
  const filesystem = given.initialFilesystemType ?? given.filesystemType;
  const { volume: made } = await client
    .send<{ volume: VolumeView }>("POST", "/v2/volumes", signal, {
      name: given.name,
      region: given.region.toLowerCase(),
      size_gigabytes: given.size,
      description: given.description ?? "",
      tags: given.tags ?? [],
      ...(given.snapshotId ? { snapshot_id: given.snapshotId } : {}),
      ...(filesystem ? { filesystem_type: filesystem } : {}),
      ...(given.initialFilesystemLabel ? { filesystem_label: given.initialFilesystemLabel } : {}),
    })
    .catch(failing("Error creating Volume"));
  return { id: made.id, state: stateOf(made) };
};

const update = async (
  id: string,
  given: VolumeInputs,
  state: Properties,
  context: Context<DigitalOcean>,
): Promise<Properties> => {
  const { client, signal } = context;
  if (given.size < Number(state.size)) throw new Error("volumes `size` can only be expanded and not shrunk");
  if (given.size !== state.size) {
    const body = { type: "resize", size_gigabytes: given.size, region: given.region.toLowerCase() };
    await client.act(path(id), body, signal).catch(failing(`Error resizing volume (${id})`));
  }
  await client.retag({ id, type: "volume" }, strings(state.tags), given.tags ?? [], signal);
  const volume = await find(id, context);
  if (!volume) throw new Error(`volume (${id}) not found during update`);
  return stateOf(volume);
};

/** Block storage; it grows in place, and everything else makes a new one. */
export const volume = resource<DigitalOcean>()({
  inputs,
  outputs: ["dropletIds", "filesystemLabel", "volumeUrn"],
  autonamed: true,
  create,
  read: async (id, state, context) => {
    const found = await find(id, context);
    return found && { id, state: { ...state, ...stateOf(found) } };
  },
  update,
  delete: (id, _state, { client, signal }) =>
    client.send<void>("DELETE", path(id), signal).catch(failing("Error deleting Volume")),
});

/** Which droplet has a volume. */
export const volumeAttachment = resource<DigitalOcean>()({
  inputs: {
    dropletId: replaces(number, { required: true }),
    volumeId: replaces(text, { required: true }),
  },
  outputs: [],
  create: async ({ dropletId, volumeId }, context) => {
    const found = await find(volumeId, context);
    if (!found) throw new Error(`Error retrieving volume: ${volumeId} not found`);
    if (found.droplet_ids[0] !== dropletId) {
      await context.client
        .act(path(volumeId), { type: "attach", droplet_id: dropletId }, context.signal)
        .catch(failing(`Error attaching volume (${volumeId}) to Droplet (${dropletId})`));
    }
    return { id: `${dropletId}-${volumeId}-${randomBytes(6).toString("hex")}`, state: {} };
  },
  read: async (id, state, context) => {
    const found = await find(String(state.volumeId), context);
    return found?.droplet_ids[0] === state.dropletId ? { id, state } : undefined;
  },
  delete: async (_id, { volumeId, dropletId }, { client, signal }) => {
    const body = { type: "detach", droplet_id: Number(dropletId) };
    await client.act(path(String(volumeId)), body, signal).catch((error: Error) => {
      if (!error.message.includes("Attachment not found")) throw error;
    });
  },
});
