import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, found } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import { page } from "./page.ts";
import { tagView } from "./views.ts";

const creation = z.object({ name: z.string().regex(/^[a-zA-Z0-9:\-_]{1,255}$/, "Tag name is invalid") });

const resources = z.object({
  resources: z.array(
    z.object({ resource_id: z.coerce.string(), resource_type: z.enum(["droplet", "volume", "image"]) }),
  ),
});

/** The lists of tags of everything that a request names. */
const tagged = (cloud: Cloud, body: unknown): { tags: string[] }[] =>
  parsed(resources, body).resources.map(({ resource_id: id, resource_type: type }) => {
    if (type === "droplet") return cloud.droplet(id);
    if (type === "volume") return cloud.volume(id);
    throw unprocessable("The fake has no images to tag.");
  });

/** Tags: names that droplets, volumes and firewalls share. */
export const tagRoutes = (cloud: Cloud): Route[] => {
  const { account } = cloud;
  const of = ({ params }: Call) => found(account.tags.find((tag) => tag === params.name));
  return [
    route("GET", "/v2/tags", (call) =>
      page(
        "tags",
        account.tags.map((tag) => tagView(cloud, tag)),
        call,
      ),
    ),
    // One that exists already is not an error.
    route("POST", "/v2/tags", ({ body }) => {
      const { name } = parsed(creation, body);
      cloud.knowTags([name]);
      cloud.save();
      return { status: 201, body: { tag: tagView(cloud, name) }, created: `/v2/tags/${name}` };
    }),
    route("GET", "/v2/tags/:name", (call) => ({ status: 200, body: { tag: tagView(cloud, of(call)) } })),
    route("DELETE", "/v2/tags/:name", async (call) => {
      const name = of(call);
      account.tags = account.tags.filter((tag) => tag !== name);
      for (const holder of [...account.droplets, ...account.volumes, ...account.firewalls]) {
        holder.tags = holder.tags.filter((tag) => tag !== name);
      }
      cloud.save();
      await cloud.filter();
      return { status: 204 };
    }),
    route("POST", "/v2/tags/:name/resources", async (call) => {
      const name = of(call);
      for (const holder of tagged(cloud, call.body)) holder.tags = [...new Set([...holder.tags, name])];
      cloud.save();
      await cloud.filter();
      return { status: 204 };
    }),
    route("DELETE", "/v2/tags/:name/resources", async (call) => {
      const name = of(call);
      for (const holder of tagged(cloud, call.body)) holder.tags = holder.tags.filter((tag) => tag !== name);
      cloud.save();
      await cloud.filter();
      return { status: 204 };
    }),
  ];
};
