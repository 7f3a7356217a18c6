import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, updates } from "../plugin/resource.ts";
import { flag, map, set, text } from "../plugin/types.ts";
import { type Engine, unless } from "./engine.ts";
import { findLocal, findOrPull, type ImageInspect, repositoryOf } from "./image-lookup.ts";

/** The id ends in the name, as the real plugin's does. */
const found = (name: string, image: ImageInspect) => ({
  id: `${image.Id}${name}`,
  state: { name, imageId: image.Id, repoDigest: repoDigest(name, image) },
});

/** The digest of the repository the name speaks of; "" for an image no registry knows. */
const repoDigest = (name: string, { RepoDigests: digests }: ImageInspect): string =>
  (digests ?? []).find((digest) => repositoryOf(digest) === repositoryOf(name)) ?? digests?.[0] ?? "";

/** Finds or pulls; the failure reads like the real plugin's. */
const locate = async (name: string, context: Context<Engine>) => {
  const image = await findOrPull(name, context).catch((error: Error) => {
    throw new Error(`Unable to read Docker image into resource: ${error.message}`, { cause: error });
  });
  return found(name, image);
};

/** An image made elsewhere: the engine's own copy if it has one, else pulled. */
export const remoteImage = resource<Engine>()({
  inputs: {
    name: replaces(text, { required: true }),
    keepLocally: updates(flag),
    forceRemove: updates(flag),
    pullTriggers: replaces(set(text)),
    triggers: replaces(map(text)),
  },
  outputs: ["imageId", "repoDigest"],
  create: ({ name }, context) => locate(name, context),
  read: async (_id, state, { client, signal }) => {
    const name = state.name as string;
    const image = await findLocal(client, name, signal);
    if (!image) return undefined;
    const current = found(name, image);
    return { id: current.id, state: { ...state, ...current.state } as Properties };
  },
  update: async (_id, { name }, _state, context) => (await locate(name, context)).state,
  delete: async (_id, { name, keepLocally, forceRemove }, { client, signal }) => {
    if (keepLocally === true) return;
    const path = `/images/${encodeURIComponent(name as string)}?force=${forceRemove === true}`;
    await client.send("DELETE", path, signal).catch(unless(404));
  },
});
