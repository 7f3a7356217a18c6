import type { Change } from "./change.ts";
import { addressGone, hostAway, hostGone, replicasGone } from "./interruptions.ts";
import { type Step, textOf } from "./step.ts";

/** What is said of one operation on one kind of thing; a text alone is a change that nobody notices. */
type Saying = string | Change | ((step: Step) => string | Change);

type Sayings = Partial<Record<"create" | "update" | "replace" | "delete", Saying>>;

const stop = (
  text: string,
  risk: Change["risk"],
  interruption: Change["interruption"] = hostGone,
): Change => ({
  text,
  interruption,
  risk,
  stop: true,
});

/** What a change of a thing at DigitalOcean, Cloudflare or in Postgres is to an operator. */
const sayings: Record<string, Sayings> = {
  "digitalocean:index/droplet:Droplet": {
    create: ({ after }) => `a new droplet, ${words(after, "size", "region", "image")}`,
    update: (step) =>
      step.changed.includes("size")
        ? {
            text: `the droplet is resized ${difference(step, "size")}: it is switched off for that`,
            interruption: hostAway,
            risk: "restart",
          }
        : `the droplet's ${step.changed.join(", ")}`,
    replace: ({ changed }) =>
      stop(
        `the droplet is replaced (${changed.join(", ")}): its own disk goes, all on it starts anew`,
        "replacement",
      ),
    delete: stop("the droplet is deleted, with its own disk", "data"),
  },
  "digitalocean:index/volume:Volume": {
    create: ({ after }) => `a new volume of ${String(after.size ?? "?")} GB for tenants' data`,
    update: (step) => `the volume grows ${difference(step, "size")} GB`,
    replace: stop("the volume that holds tenants' data is replaced by an EMPTY one", "data"),
    delete: stop("the volume that holds tenants' data is deleted", "data"),
  },
  "digitalocean:index/volumeAttachment:VolumeAttachment": {
    create: "the volume is attached",
    replace: { text: "the volume is detached and attached", interruption: hostAway, risk: "replacement" },
    delete: { text: "the volume is detached; it is kept", interruption: hostGone, risk: "outage" },
  },
  "digitalocean:index/reservedIp:ReservedIp": {
    create: "a reserved address",
    replace: stop("its reserved address becomes another one: DNS has to follow", "replacement"),
    delete: stop("its reserved address is given back and does not come back", "replacement"),
  },
  "digitalocean:index/reservedIpAssignment:ReservedIpAssignment": {
    create: "its reserved address leads to it",
    replace: {
      text: "its reserved address leads to another machine",
      interruption: hostAway,
      risk: "restart",
    },
    delete: { text: "its reserved address leads to it no more", interruption: hostGone, risk: "outage" },
  },
  "digitalocean:index/firewall:Firewall": {
    create: "a firewall in front of it",
    update: "what the firewall in front of it lets through",
    replace: { text: "the firewall in front of it is replaced", risk: "replacement" },
    delete: { text: "the firewall in front of it goes; the host's own rules stay", risk: "replacement" },
  },
  "digitalocean:index/vpc:Vpc": {
    create: "a private network",
    replace: stop("the private network between the hosts is replaced", "replacement"),
    delete: { text: "the private network between the hosts goes", risk: "replacement" },
  },
  "cloudflare:index/dnsRecord:DnsRecord": {
    create: ({ after }) =>
      `DNS: ${words(after, "name")} will lead to ${textOf(after, "content") ?? "its host"}`,
    update: (step) => ({
      text: `DNS: ${words(step.after, "name")}: ${step.changed.map((input) => `${input} ${difference(step, input)}`).join(", ")}`,
      risk: step.changed.includes("content") ? "replacement" : "none",
    }),
    replace: ({ before, after }) => ({
      text: `DNS: ${words(before, "name")} goes, ${words(after, "name")} comes`,
      interruption: addressGone,
      risk: "outage",
    }),
    delete: ({ before }) => ({
      text: `DNS: ${words(before, "name")} goes`,
      interruption: addressGone,
      risk: "outage",
    }),
  },
  "cloudflare:index/originCaCertificate:OriginCaCertificate": {
    create: "a certificate of Cloudflare's for its address",
    replace: "its certificate of Cloudflare's is renewed",
  },
  "cloudflare:index/zoneSetting:ZoneSetting": {
    create: ({ after }) =>
      `Cloudflare: the zone's ${words(after, "settingId")} is set to ${words(after, "value")}`,
    update: ({ after }) =>
      `Cloudflare: the zone's ${words(after, "settingId")} becomes ${words(after, "value")}`,
    delete: ({ before }) => `Cloudflare: the zone's ${words(before, "settingId")} is left as it is`,
  },
  "postgresql:index/database:Database": {
    create: "the replicas' database",
    replace: stop("the replicas' database is made anew, EMPTY", "data", replicasGone),
    delete: stop("the replicas' database is deleted", "data", replicasGone),
  },
  "postgresql:index/schema:Schema": {
    create: "the schema of the fleet's own state",
    replace: stop("the schema of the fleet's own state is made anew, EMPTY", "data", replicasGone),
    delete: stop("the schema of the fleet's own state is deleted", "data", replicasGone),
  },
};

/** What is said of such a thing; undefined of any other. */
export function cloudChange(step: Step): Change | undefined {
  if (step.op === "same") return undefined;
  const found = sayings[step.type]?.[step.op];
  const said = typeof found === "function" ? found(step) : found;
  return typeof said === "string" ? { text: said, risk: "none" } : said;
}

/** Values of inputs, `s-2vcpu-4gb, fra1`; a question mark stands for what is known later. */
const words = (inputs: Record<string, unknown>, ...names: string[]): string =>
  names.map((name) => textOf(inputs, name) ?? "?").join(", ");

const difference = ({ before, after }: Step, input: string): string =>
  [before, after].map((inputs) => textOf(inputs, input) ?? numberOf(inputs[input])).join(" → ");

const numberOf = (value: unknown): string =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : "?";
