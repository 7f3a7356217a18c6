import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Route, route } from "../http/route.ts";
import { type Cloud, found } from "./cloud.ts";
import { ApiError, parsed, unprocessable } from "./dialect.ts";
import type { Action, Volume } from "./model.ts";
import { page } from "./page.ts";
import { actionView, volumeView } from "./views.ts";

const creation = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, "name must be lowercase, alphanumeric and begin with a letter"),
  size_gigabytes: z.int().min(1).max(16_384),
  region: z.string(),
  description: z.string().nullish(),
  snapshot_id: z.string().max(0, "the fake has no snapshots").nullish(),
  filesystem_type: z.enum(["ext4", "xfs", ""]).nullish(),
  filesystem_label: z.string().max(16).nullish(),
  tags: z.array(z.string()).nullish(),
});

const request = z.discriminatedUnion("type", [
  z.object({ type: z.literal("attach"), droplet_id: z.int() }),
  z.object({ type: z.literal("detach"), droplet_id: z.int() }),
  z.object({ type: z.literal("resize"), size_gigabytes: z.int().max(16_384) }),
]);

type Request = z.infer<typeof request>;

/** Volumes that one droplet may hold. */
const attachmentLimit = 15;

const subject = (volume: Volume, type: string, droplet?: number) => ({
  type,
  of: `volume:${volume.id}`,
  resourceType: "volume" as const,
  resourceId: 0,
  region: volume.region,
  ...(droplet === undefined ? {} : { also: `droplet:${droplet}` }),
});

const attach = (cloud: Cloud, volume: Volume, id: number): Action => {
  const droplet = cloud.droplet(id);
  if (volume.droplet !== null) throw unprocessable("This volume is already attached to a Droplet.");
  if (droplet.region !== volume.region)
    throw unprocessable("The volume and the Droplet are in different regions.");
  if (cloud.account.volumes.filter((each) => each.droplet === id).length >= attachmentLimit) {
    throw unprocessable("The Droplet has the most volumes it can have.");
  }
  return cloud.act(subject(volume, "attach_volume", id), async () => {
    await cloud.driver.attach(id, cloud.device(volume));
    volume.droplet = id;
  });
};

const detach = (cloud: Cloud, volume: Volume, id: number): Action => {
  if (volume.droplet !== id) throw unprocessable("Attachment not found");
  return cloud.act(subject(volume, "detach_volume", id), async () => {
    await cloud.driver.detach(id, cloud.device(volume));
    volume.droplet = null;
  });
};

const resize = (cloud: Cloud, volume: Volume, size: number): Action => {
  if (size < volume.size) throw unprocessable("Volume can only be resized to a larger size.");
  return cloud.act(subject(volume, "resize_volume"), async () => {
    await cloud.driver.growVolume({ ...cloud.device(volume), size });
    volume.size = size;
  });
};

const start = (cloud: Cloud, volume: Volume, asked: Request): Action => {
  if (asked.type === "attach") return attach(cloud, volume, asked.droplet_id);
  if (asked.type === "detach") return detach(cloud, volume, asked.droplet_id);
  return resize(cloud, volume, asked.size_gigabytes);
};

/** Block storage. */
export const volumeRoutes = (cloud: Cloud): Route[] => {
  const { account } = cloud;
  return [
    route("GET", "/v2/volumes", (call) => {
      const [name, region] = [call.query.get("name"), call.query.get("region")];
      const fitting = account.volumes.filter(
        (volume) => (!name || volume.name === name) && (!region || volume.region === region),
      );
      return page("volumes", fitting.map(volumeView), call);
    }),
    route("POST", "/v2/volumes", async ({ body }) => {
      const asked = parsed(creation, body);
      const region = cloud.region(asked.region).slug;
      if (account.volumes.some((volume) => volume.name === asked.name && volume.region === region)) {
        throw new ApiError(409, "conflict", "A volume of this name exists in this region.");
      }
      const volume: Volume = {
        id: randomUUID(),
        name: asked.name,
        description: asked.description ?? "",
        region,
        size: asked.size_gigabytes,
        filesystem: asked.filesystem_type ?? "",
        label: asked.filesystem_label ?? "",
        droplet: null,
        createdAt: cloud.time(),
        tags: cloud.knowTags(asked.tags ?? []),
      };
      await cloud.driver.createVolume(cloud.device(volume));
      account.volumes.push(volume);
      cloud.save();
      return { status: 201, body: { volume: volumeView(volume) }, created: `/v2/volumes/${volume.id}` };
    }),
    route("GET", "/v2/volumes/:id", ({ params }) => ({
      status: 200,
      body: { volume: volumeView(cloud.volume(params.id)) },
    })),
    route("DELETE", "/v2/volumes/:id", async ({ params }) => {
      const volume = cloud.volume(params.id);
      if (volume.droplet !== null || cloud.isBusy(`volume:${volume.id}`)) {
        throw new ApiError(409, "conflict", "Cannot delete a volume that is attached to a Droplet.");
      }
      await cloud.driver.removeVolume(volume.id);
      account.volumes = account.volumes.filter((each) => each !== volume);
      cloud.save();
      return { status: 204 };
    }),
    route("POST", "/v2/volumes/:id/actions", ({ params, body }) => {
      const action = start(cloud, cloud.volume(params.id), parsed(request, body));
      return { status: 202, body: { action: actionView(action) } };
    }),
    route("GET", "/v2/volumes/:id/actions/:action", ({ params }) => {
      const wanted = account.actions.find(
        ({ id, of }) => id === Number(params.action) && of === `volume:${params.id}`,
      );
      return { status: 200, body: { action: actionView(found(wanted)) } };
    }),
  ];
};
