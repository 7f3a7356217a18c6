import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Call, type Route, route } from "../http/route.ts";
import { type Cloud, found } from "./cloud.ts";
import { parsed, unprocessable } from "./dialect.ts";
import type { Firewall, FirewallRule } from "./model.ts";
import { page } from "./page.ts";
import { firewallView } from "./views.ts";

const peers = z.object({
  addresses: z.array(z.string()).nullish(),
  tags: z.array(z.string()).nullish(),
  droplet_ids: z.array(z.int()).nullish(),
  load_balancer_uids: z.array(z.string()).max(0, "the fake has no load balancers").nullish(),
  kubernetes_ids: z.array(z.string()).max(0, "the fake has no clusters").nullish(),
});

const rule = z.object({
  protocol: z.enum(["tcp", "udp", "icmp"]),
  ports: z
    .string()
    .regex(/^(all|\d{1,5}(-\d{1,5})?)?$/, "ports must be a port, a range or all")
    .nullish(),
});

const body = z.object({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]+$/, "name may hold only letters, digits, periods and dashes"),
  inbound_rules: z.array(rule.extend({ sources: peers })).nullish(),
  outbound_rules: z.array(rule.extend({ destinations: peers })).nullish(),
  droplet_ids: z.array(z.int()).nullish(),
  tags: z.array(z.string()).nullish(),
});

type Given = z.infer<typeof rule> & { peers: z.infer<typeof peers> };

const isRange = (address: string): boolean =>
  /^(\d{1,3}\.){3}\d{1,3}(\/(\d|[12]\d|3[0-2]))?$/.test(address) ||
  /^[0-9a-fA-F:]*:[0-9a-fA-F:]*(\/\d{1,3})?$/.test(address);

const ruleOf = ({ protocol, ports, peers: side }: Given): FirewallRule => {
  const addresses = side.addresses ?? [];
  const wrong = addresses.find((address) => !isRange(address));
  if (wrong !== undefined) throw unprocessable(`invalid address: ${wrong}`);
  if (protocol !== "icmp" && !ports) throw unprocessable("ports is required for tcp and udp");
  return {
    protocol,
    ports: ports || "0",
    peers: { addresses, tags: side.tags ?? [], dropletIds: side.droplet_ids ?? [] },
  };
};

const contents = (cloud: Cloud, given: unknown): Omit<Firewall, "id" | "createdAt"> => {
  const asked = parsed(body, given);
  const inbound = (asked.inbound_rules ?? []).map((each) => ruleOf({ ...each, peers: each.sources }));
  const outbound = (asked.outbound_rules ?? []).map((each) => ruleOf({ ...each, peers: each.destinations }));
  if (inbound.length + outbound.length === 0) throw unprocessable("at least one rule must be specified");
  const tags = cloud.knowTags(asked.tags ?? []);
  const dropletIds = (asked.droplet_ids ?? []).map((id) => cloud.droplet(id).id);
  return { name: asked.name, inbound, outbound, tags, dropletIds };
};

/** Firewalls: rules for the droplets they name, put in force before the answer. */
export const firewallRoutes = (cloud: Cloud): Route[] => {
  const { account } = cloud;
  const of = ({ params }: Call) => found(account.firewalls.find(({ id }) => id === params.id));
  const answer = (status: number, firewall: Firewall) => ({
    status,
    body: { firewall: firewallView(cloud, firewall) },
  });
  /** The firewall's droplets or tags, more of them or fewer. */
  const membership = (change: (firewall: Firewall, given: unknown) => void) => async (call: Call) => {
    change(of(call), call.body);
    cloud.save();
    await cloud.filter();
    return { status: 204 };
  };
  const droplets = z.object({ droplet_ids: z.array(z.int()) });
  const tags = z.object({ tags: z.array(z.string()) });
  return [
    route("GET", "/v2/firewalls", (call) =>
      page(
        "firewalls",
        account.firewalls.map((firewall) => firewallView(cloud, firewall)),
        call,
      ),
    ),
    route("POST", "/v2/firewalls", async (call) => {
      const made = contents(cloud, call.body);
      if (account.firewalls.some(({ name }) => name === made.name)) {
        throw unprocessable("duplicate name: a firewall of this name exists");
      }
      const firewall: Firewall = { id: randomUUID(), createdAt: cloud.time(), ...made };
      account.firewalls.push(firewall);
      cloud.save();
      await cloud.filter();
      return { ...answer(202, firewall), created: `/v2/firewalls/${firewall.id}` };
    }),
    route("GET", "/v2/firewalls/:id", (call) => answer(200, of(call))),
    route("PUT", "/v2/firewalls/:id", async (call) => {
      const firewall = Object.assign(of(call), contents(cloud, call.body));
      cloud.save();
      await cloud.filter();
      return answer(200, firewall);
    }),
    route("DELETE", "/v2/firewalls/:id", async (call) => {
      const firewall = of(call);
      account.firewalls = account.firewalls.filter((each) => each !== firewall);
      cloud.save();
      await cloud.filter();
      return { status: 204 };
    }),
    route(
      "POST",
      "/v2/firewalls/:id/droplets",
      membership((firewall, given) => {
        const ids = parsed(droplets, given).droplet_ids.map((id) => cloud.droplet(id).id);
        firewall.dropletIds = [...new Set([...firewall.dropletIds, ...ids])];
      }),
    ),
    route(
      "DELETE",
      "/v2/firewalls/:id/droplets",
      membership((firewall, given) => {
        const ids = parsed(droplets, given).droplet_ids;
        firewall.dropletIds = firewall.dropletIds.filter((id) => !ids.includes(id));
      }),
    ),
    route(
      "POST",
      "/v2/firewalls/:id/tags",
      membership((firewall, given) => {
        firewall.tags = [...new Set([...firewall.tags, ...cloud.knowTags(parsed(tags, given).tags)])];
      }),
    ),
    route(
      "DELETE",
      "/v2/firewalls/:id/tags",
      membership((firewall, given) => {
        const gone = parsed(tags, given).tags;
        firewall.tags = firewall.tags.filter((tag) => !gone.includes(tag));
      }),
    ),
  ];
};
