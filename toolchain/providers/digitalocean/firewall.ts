import type { Properties } from "../plugin/properties.ts";
import { type Context, resource, updates } from "../plugin/resource.ts";
import { choice, type Filled, field, number, object, set, text } from "../plugin/types.ts";
import { type DigitalOcean, failing } from "./account.ts";

const protocol = field(choice("tcp", "udp", "icmp"), { required: true });

const inboundRule = object({
  protocol,
  portRange: field(text),
  sourceAddresses: field(set(text)),
  sourceDropletIds: field(set(number)),
  sourceKubernetesIds: field(set(text)),
  sourceLoadBalancerUids: field(set(text)),
  sourceTags: field(set(text)),
});

const outboundRule = object({
  protocol,
  portRange: field(text),
  destinationAddresses: field(set(text)),
  destinationDropletIds: field(set(number)),
  destinationKubernetesIds: field(set(text)),
  destinationLoadBalancerUids: field(set(text)),
  destinationTags: field(set(text)),
});

const inputs = {
  name: updates(text),
  dropletIds: updates(set(number)),
  inboundRules: updates(set(inboundRule)),
  outboundRules: updates(set(outboundRule)),
  tags: updates(set(text)),
};

type FirewallInputs = Filled<typeof inputs>;

interface Peers {
  addresses?: string[];
  droplet_ids?: number[];
  kubernetes_ids?: string[];
  load_balancer_uids?: string[];
  tags?: string[];
}

interface RuleView {
  protocol: string;
  ports: string;
  sources?: Peers;
  destinations?: Peers;
}

interface FirewallView {
  id: string;
  name: string;
  status: string;
  created_at: string;
  pending_changes: { droplet_id: number; removing: boolean; status: string }[];
  inbound_rules: RuleView[];
  outbound_rules: RuleView[];
  droplet_ids: number[];
  tags: string[];
}

/** Which property of a rule is which of the API's lists. */
const lists = {
  Addresses: "addresses",
  DropletIds: "droplet_ids",
  KubernetesIds: "kubernetes_ids",
  LoadBalancerUids: "load_balancer_uids",
  Tags: "tags",
} as const;

type Side = "source" | "destination";

const ruleBody = (rule: Properties, side: Side) => {
  const peers = Object.entries(lists).map(([suffix, name]) => [name, rule[side + suffix] ?? []]);
  return { protocol: rule.protocol, ports: rule.portRange ?? "", [`${side}s`]: Object.fromEntries(peers) };
};

const body = (given: FirewallInputs) => ({
  name: given.name,
  droplet_ids: given.dropletIds ?? [],
  tags: given.tags ?? [],
  inbound_rules: (given.inboundRules ?? []).map((rule) => ruleBody(rule as Properties, "source")),
  outbound_rules: (given.outboundRules ?? []).map((rule) => ruleBody(rule as Properties, "destination")),
});

/** All ports read as "0": "all" to the program, and nothing for ICMP, which has none. */
const ruleState = (rule: RuleView, side: Side): Properties => {
  const peers = (side === "source" ? rule.sources : rule.destinations) ?? {};
  const entries = Object.entries(lists).flatMap(([suffix, name]) => {
    const values = peers[name];
    return values && values.length > 0 ? [[side + suffix, values.toSorted()]] : [];
  });
  const portRange = rule.ports === "0" ? (rule.protocol === "icmp" ? undefined : "all") : rule.ports;
  return {
    protocol: rule.protocol,
    ...(portRange ? { portRange } : {}),
    ...(Object.fromEntries(entries) as Properties),
  };
};

const stateOf = (firewall: FirewallView): Properties => ({
  name: firewall.name,
  status: firewall.status,
  createdAt: firewall.created_at,
  pendingChanges: firewall.pending_changes.map((change) => ({
    dropletId: change.droplet_id,
    removing: change.removing,
    status: change.status,
  })),
  dropletIds: firewall.droplet_ids.toSorted((a, b) => a - b),
  tags: firewall.tags.toSorted(),
  inboundRules: firewall.inbound_rules.map((rule) => ruleState(rule, "source")),
  outboundRules: firewall.outbound_rules.map((rule) => ruleState(rule, "destination")),
});

const path = (id: string) => `/v2/firewalls/${id}`;

const find = async (id: string, { client, signal }: Context<DigitalOcean>) =>
  (await client.find<{ firewall: FirewallView }>(path(id), signal))?.firewall;

/** What the schema cannot say. */
const problems = (given: Properties) => {
  const rules = (name: string) => (Array.isArray(given[name]) ? (given[name] as Properties[]) : []);
  if (given.inboundRules === undefined && given.outboundRules === undefined) {
    return [{ property: "inboundRules", reason: "At least one rule must be specified" }];
  }
  return ["inboundRules", "outboundRules"].flatMap((property) =>
    rules(property).some((rule) => rule.protocol !== "icmp" && !rule.portRange)
      ? [{ property, reason: "`port_range` of rules is required if protocol is `tcp` or `udp`" }]
      : [],
  );
};

/** A firewall; everything about it changes in place. */
export const firewall = resource<DigitalOcean>()({
  inputs,
  outputs: ["createdAt", "pendingChanges", "status"],
  updated: ["pendingChanges", "status"],
  autonamed: true,
  check: async (given) => ({ inputs: given, failures: problems(given) }),
  create: async (given, { client, signal }) => {
    const { firewall: made } = await client
      .send<{ firewall: FirewallView }>("POST", "/v2/firewalls", signal, body(given))
      .catch(failing("Error creating firewall"));
    return { id: made.id, state: stateOf(made) };
  },
  read: async (id, _state, context) => {
    const found = await find(id, context);
    return found && { id, state: stateOf(found) };
  },
  update: async (id, given, _state, { client, signal }) => {
    const { firewall: changed } = await client
      .send<{ firewall: FirewallView }>("PUT", path(id), signal, body(given))
      .catch(failing("Error updating firewall"));
    return stateOf(changed);
  },
  delete: (id, _state, { client, signal }) => client.remove(path(id), signal),
});
