import { type Route, route } from "../http/route.ts";
import { images, imageView, regions, regionView, sizes, sizeView } from "./catalog.ts";
import { type Cloud, found } from "./cloud.ts";
import { page } from "./page.ts";

/** The account itself, and what it can choose from. */
export const offerRoutes = (cloud: Cloud): Route[] => {
  const project = {
    id: "00000000-0000-4000-8000-000000000001",
    owner_uuid: "00000000-0000-4000-8000-000000000000",
    owner_id: 1,
    name: "fake",
    description: "The default project of an account that is not real",
    purpose: "Other",
    environment: "",
    is_default: true,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
  };
  return [
    route("GET", "/v2/account", () => ({
      status: 200,
      body: {
        account: {
          droplet_limit: 25,
          floating_ip_limit: 5,
          reserved_ip_limit: 5,
          volume_limit: 100,
          email: "fake@cloud.invalid",
          name: "A fake account",
          uuid: project.owner_uuid,
          email_verified: true,
          status: "active",
          status_message: "",
          team: { uuid: project.owner_uuid, name: "Fake" },
        },
      },
    })),
    route("GET", "/v2/sizes", (call) => page("sizes", sizes.map(sizeView), call)),
    route("GET", "/v2/regions", (call) => page("regions", regions.map(regionView), call)),
    route("GET", "/v2/images", (call) => page("images", images.map(imageView), call)),
    route("GET", "/v2/images/:image", ({ params }) => ({
      status: 200,
      body: {
        image: imageView(
          found(images.find(({ id, slug }) => slug === params.image || String(id) === params.image)),
        ),
      },
    })),
    route("GET", "/v2/projects", (call) => page("projects", [project], call)),
    route("GET", "/v2/projects/default", () => ({ status: 200, body: { project } })),
    route("GET", "/v2/projects/default/resources", (call) => {
      const droplets = cloud.account.droplets.map(({ id, createdAt }) => ({
        urn: `do:droplet:${id}`,
        assigned_at: createdAt,
        status: "ok",
      }));
      return page("resources", droplets, call);
    }),
  ];
};
