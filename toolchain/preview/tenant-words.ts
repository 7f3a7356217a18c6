import { olderThan } from "../setup/command-line.mjs";
import type { Change } from "./change.ts";
import { type Context, type Group, isContainer, part } from "./group.ts";
import { addressGone, tenantGone, tenantRestarts } from "./interruptions.ts";
import { isUnknown, type Step, textOf } from "./step.ts";

/** What happens to one tenant; its DNS records and the like are told of by their types. */
export function tenantChanges(group: Group, context: Context): Change[] {
  if (group.gone) return [removed];
  if (group.born) return [added(group, context)];
  const container = group.steps.find(isContainer);
  return [
    ...lostData(group, context),
    ...(container ? containerChanges(container, group, context) : []),
    ...addressChanges(group),
    ...quietChanges(group, container !== undefined && container.op !== "update"),
  ];
}

const removed: Change = {
  text: "removed: its container and its address go. Its data, keys and replica stay; the same entry brings it back",
  interruption: tenantGone,
  risk: "outage",
};

function added({ name, steps }: Group, { fleet }: Context): Change {
  const spec = fleet.tenants.find(({ id }) => id === name);
  const what = spec ? ` at ${spec.domain}, ${product(spec.image)}, on host ${spec.host}` : "";
  const still = steps.some(isContainer) ? "" : "; it is declared as stopped";
  return { text: `new tenant${what}${still}`, risk: "none" };
}

/**
 * The program looked for its database and there was none: what `up` does then is decided by the entry and the replica. On a
 * machine that is still to come it looks again; what it finds there is what a volume brought along.
 */
function lostData(group: Group, { fleet }: Context): Change[] {
  const guard = part(group, "data");
  if (guard?.op !== "update") return [];
  const { environment } = guard.after;
  const elsewhere = isUnknown(environment) || Object.values(environment ?? {}).some(isUnknown);
  const host = fleet.hosts.find(({ id }) => id === fleet.tenants.find(({ id }) => id === group.name)?.host);
  if (elsewhere && host && "volume" in host)
    return [{ text: "its database comes along on the host's volume, and is looked for there", risk: "none" }];
  const text =
    "its database is not in its data directory: the next up brings it back or refuses, as its entry says (restore, fresh)";
  return [{ text, risk: "data", stop: true, itself: true }];
}

function containerChanges(step: Step, group: Group, context: Context): Change[] {
  switch (step.op) {
    case "delete":
      return [
        { text: "stopped: nothing of it runs. Its data stays", interruption: tenantGone, risk: "outage" },
      ];
    case "create":
      return [{ text: "started", risk: "none" }];
    case "update":
      return [{ text: `${listed(settings(step))}, without a restart`, risk: "none" }];
    default:
      return replaced(step, group, context);
  }
}

/** A version is told for itself; everything else that restarts the tenant is one change with its reasons. */
function replaced(step: Step, { name }: Group, { fleet, images }: Context): Change[] {
  const interruption = tenantRestarts;
  const other = otherDatabase(step);
  if (other) return [{ text: other, interruption, risk: "data", stop: true }];
  const others = settings(step);
  const reasons = others.length > 0 ? `: ${listed(others)}` : "";
  if (!step.changed.includes("image")) return [{ text: `restart${reasons}`, interruption, risk: "restart" }];
  const declared = fleet.tenants.find(({ id }) => id === name)?.image;
  const [from, to] = [imageOf(step.before, images), imageOf(step.after, images) ?? declared];
  const also = others.length > 0 ? `; also ${listed(others)}` : "";
  const older = from !== undefined && to !== undefined && isOlder(to, from);
  if (older) {
    const text = `${upgradeText(from, to)}, an OLDER version: the newer one has changed its database, and this one may not start on it${also}`;
    return [{ text, interruption, risk: "data", stop: true }];
  }
  const text = `${upgradeText(from, to)}, which changes its database when it starts${also}`;
  return [{ text, interruption, risk: "restart" }];
}

/** That its application is to work on another database, which an edit alone does not fill; undefined: on the same one. */
function otherDatabase({ before, after }: Step): string | undefined {
  if (isUnknown(after.labels)) return undefined;
  const [from, to] = [databaseOf(before.labels), databaseOf(after.labels)];
  if (from === to) return undefined;
  if (to === undefined)
    return "its database is its SQLite file again, AS THAT WAS BEFORE its promotion: what was written into its Postgres is not in it";
  return from === undefined
    ? "its database is a Postgres instead of its SQLite file: what that holds is not brought along, `npx fleet promote` does that"
    : "its database is ANOTHER Postgres: what its former one holds is not brought along";
}

/** What the label of a container says where its database is. */
const databaseOf = (labels: unknown): unknown =>
  (Array.isArray(labels) ? labels : []).find(
    (entry: unknown) => (entry as { label?: unknown } | null)?.label === "owui.database",
  )?.value;

/** Names what a container's differing inputs are to an operator; each once, the image left out. */
function settings({ changed, before, after }: Step): string[] {
  // What else differs of one that stopped follows from that.
  if (changed.includes("mustRun")) return ["it had stopped"];
  const words = changed.map((input) => {
    switch (input) {
      case "image":
        return [];
      case "envs":
        return environmentWords(before.envs, after.envs);
      case "labels":
        return ["settings or keys in its environment"];
      case "memory":
        return [`memory limit ${mebibytes(before.memory)} → ${mebibytes(after.memory)}`];
      case "memorySwap":
        return [];
      case "memoryReservation":
        return [
          `memory kept for it ${mebibytes(before.memoryReservation)} → ${mebibytes(after.memoryReservation)}`,
        ];
      case "cpus":
        return [`processors ${textOf(before, "cpus") ?? "?"} → ${textOf(after, "cpus") ?? "?"}`];
      case "mounts":
        return ["what it sees of the host's disk"];
      case "networksAdvanced":
        return ["its network"];
      case "ports":
        return ["its port on the host"];
      default:
        return [input];
    }
  });
  return [...new Set(words.flat())];
}

/** Variables by name only: a value may be long, and the raw difference has it. Those that follow its address are one. */
function environmentWords(before: unknown, after: unknown): string[] {
  const [old, now] = [variables(before), variables(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => old.get(name) !== now.get(name),
  );
  const words = names.map((name) =>
    name === "WEBUI_NAME"
      ? "its name"
      : ["WEBUI_URL", "CORS_ALLOW_ORIGIN"].includes(name)
        ? "its address"
        : name,
  );
  return [...new Set(words)];
}

const variables = (envs: unknown): Map<string, string> =>
  new Map(
    (Array.isArray(envs) ? envs : []).map((entry) => {
      const [name = "", ...value] = String(entry).split("=");
      return [name, value.join("=")];
    }),
  );

/** Another name in the site's file; what else differs in it is nginx's business. */
function addressChanges(group: Group): Change[] {
  const site = part(group, "site");
  if (site?.op !== "update") return [];
  const [from, to] = [serverNames(site.before), serverNames(site.after)];
  if (from === to || !from || !to) {
    return [
      { text: "its nginx site is rewritten and taken by a reload, which ends no connection", risk: "none" },
    ];
  }
  return [
    {
      text: `address ${from} → ${to}`,
      interruption: addressGone,
      risk: "outage",
    },
  ];
}

const serverNames = (inputs: Record<string, unknown>): string =>
  [
    ...new Set(
      [...(textOf(inputs, "stdin") ?? "").matchAll(/^\s*server_name\s+([^;]+);/gm)].map(([, name]) => name),
    ),
  ].join(", ");

/** What nobody is interrupted by, and what a replaced container brings along anyway. */
function quietChanges(group: Group, restarts: boolean): Change[] {
  const words: [string, string][] = [
    [
      "brand",
      `brand files are drawn anew${restarts ? "" : "; users see them within two minutes, without a restart"}`,
    ],
    ["first-admin", "what its first administrator is called, if that account is made anew"],
    ["network", "its network is made anew"],
    ...(restarts
      ? []
      : ([
          ["home", "its files on the host are written anew"],
          ["processes", "its limit of processes"],
        ] as [string, string][])),
  ];
  return words
    .filter(([name]) => ["update", "replace"].includes(part(group, name)?.op ?? ""))
    .map(([, text]) => ({ text, risk: "none" }));
}

const imageOf = ({ image }: Record<string, unknown>, images: ReadonlyMap<string, string>) =>
  typeof image === "string" && !isUnknown(image) ? (images.get(image) ?? image) : undefined;

/** `Open WebUI v0.11.2 → v0.11.3`, or whole references where more than the tag differs. */
function upgradeText(from: string | undefined, to: string | undefined): string {
  const [[, oldName, oldTag] = [], [, newName, newTag] = []] = [from, to].map((image) => reference(image));
  if (newTag && (oldName === newName || !from))
    return `Open WebUI ${oldTag ? `${oldTag} → ` : "is now "}${newTag}`;
  return `image ${from ?? "?"} → ${to ?? "?"}`;
}

const product = (image: string): string => {
  const [, name, tag] = reference(image) ?? [];
  return name?.endsWith("/open-webui") && tag ? `Open WebUI ${tag}` : `image ${image}`;
};

/** Name and tag of an image's reference; a colon before a slash is a port's. */
const reference = (image = "") => /^(.+?)(?::([\w.-]+))?(?:@sha256:[0-9a-f]+)?$/.exec(image) ?? undefined;

/** Whether both are releases and the first the older one. */
function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((image) => /^v?(\d[\d.]*)/.exec(reference(image)?.[2] ?? "")?.[1]);
  return left !== undefined && right !== undefined && olderThan(left, right);
}

const mebibytes = (value: unknown): string => (typeof value === "number" ? `${value} MiB` : "?");

/** `a`, `a and b`, `a, b and c`. */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
