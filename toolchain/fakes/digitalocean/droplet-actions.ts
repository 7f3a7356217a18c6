import { z } from "zod";
import { type Route, route } from "../http/route.ts";
import { type Cloud, found } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import type { Droplet } from "./model.ts";
import { page } from "./page.ts";
import { actionView } from "./views.ts";

const request = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["power_on", "power_off", "shutdown", "reboot", "power_cycle"]) }),
  z.object({ type: z.literal("resize"), size: z.string(), disk: z.boolean().nullish() }),
  z.object({ type: z.literal("rebuild"), image: z.union([z.string(), z.number()]) }),
  z.object({ type: z.literal("rename"), name: z.string().min(1) }),
  z.object({ type: z.enum(["enable_backups", "disable_backups"]) }),
]);

type Request = z.infer<typeof request>;

const mustBe = (droplet: Droplet, status: Droplet["status"], message: string): void => {
  if (droplet.status !== status) throw unprocessable(message);
};

/** What an action does, after everything that is refused at once. */
const workOf = (cloud: Cloud, droplet: Droplet, asked: Request): (() => Promise<void>) => {
  const { driver } = cloud;
  switch (asked.type) {
    case "power_on":
      mustBe(droplet, "off", "Droplet is already powered on.");
      return async () => {
        await driver.powerOn(droplet.id);
        droplet.status = "active";
      };
    case "power_off":
    case "shutdown":
      mustBe(droplet, "active", "Droplet is already powered off.");
      return async () => {
        await driver.powerOff(droplet.id, asked.type === "shutdown");
        droplet.status = "off";
      };
    case "reboot":
    case "power_cycle":
      mustBe(droplet, "active", "Droplet is currently off. Please power it on to run this event.");
      return async () => {
        await driver.powerOff(droplet.id, asked.type === "reboot");
        await driver.powerOn(droplet.id);
      };
    case "resize": {
      const size = cloud.size(asked.size);
      mustBe(droplet, "off", "Droplet must be powered off to be resized.");
      if (size.disk < droplet.disk)
        throw unprocessable("This size is not available because it has a smaller disk.");
      return async () => {
        await driver.resize(droplet.id, size.memory, size.vcpus);
        droplet.size = size.slug;
        if (asked.disk) droplet.disk = size.disk;
      };
    }
    case "rebuild": {
      const image = cloud.image(asked.image);
      return async () => {
        await driver.remove(droplet.id);
        await cloud.assemble({ ...droplet, image: image.slug });
        Object.assign(droplet, { image: image.slug, status: "active" });
      };
    }
    case "rename":
      return async () => {
        await driver.rename(droplet.id, asked.name);
        droplet.name = asked.name;
      };
    case "enable_backups":
    case "disable_backups":
      return async () => {
        const others = droplet.features.filter((feature) => feature !== "backups");
        droplet.features = asked.type === "enable_backups" ? ["backups", ...others] : others;
      };
  }
};

/** What droplets are told to do, and how every action fares. */
export const dropletActionRoutes = (cloud: Cloud): Route[] => {
  const actions = (of?: string) =>
    cloud.account.actions.filter((action) => of === undefined || action.of === of).map(actionView);
  return [
    route("GET", "/v2/actions", (call) => page("actions", actions(), call)),
    route("GET", "/v2/actions/:id", ({ params }) => ({
      status: 200,
      body: { action: found(actions().find(({ id }) => id === Number(params.id))) },
    })),
    route("GET", "/v2/droplets/:id/actions", (call) =>
      page("actions", actions(`droplet:${call.params.id}`), call),
    ),
    route("GET", "/v2/droplets/:id/actions/:action", ({ params }) => ({
      status: 200,
      body: {
        action: found(actions(`droplet:${params.id}`).find(({ id }) => id === Number(params.action))),
      },
    })),
    route("POST", "/v2/droplets/:id/actions", ({ params, body }) => {
      const droplet = cloud.droplet(params.id);
      const asked = parsed(request, body);
      const action = cloud.act(cloud.subject(asked.type, droplet), workOf(cloud, droplet, asked));
      return { status: 201, body: { action: actionView(action) } };
    }),
  ];
};
