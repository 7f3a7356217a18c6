import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseFleet } from "../../../components/fleet-config.ts";
import type { EngineEvent } from "../../../toolchain/commands/engine-events.ts";
import type { Report } from "../../../toolchain/preview/change.ts";
import { ChangeReport } from "../../../toolchain/preview/change-report.ts";
import { repository } from "../../../toolchain/setup/paths.mjs";

/** What a preview of a stack with one or more tenants declares. */
export const declared = (
  acme: Record<string, unknown>,
  more: Record<string, Record<string, unknown>> = {},
) => {
  const entry = (id: string, own: Record<string, unknown>) => ({
    host: "local",
    domain: `${id}.localhost`,
    admin: { email: `admin@${id}.example` },
    ...own,
  });
  const config = {
    hosts: { local: { kind: "local" } },
    tenants: Object.fromEntries(Object.entries({ acme, ...more }).map(([id, own]) => [id, entry(id, own)])),
    sync: { host: "local", nodes: { a: { port: 9443 }, b: { port: 9444 } } },
  };
  return parseFleet("previewed", config, { repository, dataHome: "/data" });
};

/** The same with acme on a droplet. */
export const onDroplet = (more: Record<string, unknown>): ReturnType<typeof declared> => {
  const fleet = declared({});
  const { root, http, agentPort } = fleet.hosts[0] as (typeof fleet.hosts)[number];
  const droplet = { id: "local", kind: "digitalocean", root, http, agentPort, ...more };
  return { ...fleet, hosts: [droplet as unknown as (typeof fleet.hosts)[number]] };
};

/** Tenants of the recorded previews where they differ from what all have. */
const tenants: Record<string, Record<string, Record<string, unknown>>> = {
  "tenant-added": { initech: { version: "v0.9.6" } },
  downgrade: { acme: { version: "v0.9.6" } },
};

/** Events of one preview as the real engine wrote them (see record.ts). */
export const recorded = (name: string): EngineEvent[] =>
  readFileSync(join(import.meta.dirname, "events", `${name}.jsonl`), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** The report of a recorded preview. */
export function reportOf(name: string): Report {
  const { acme = {}, ...more } = tenants[name] ?? {};
  const others = name === "tenant-removed" ? more : { globex: {}, ...more };
  const report = new ChangeReport("previewed", declared(acme, others));
  for (const event of recorded(name)) report.add(event);
  return report.report();
}

/** An event made up, of a resource below a component. */
export const stepEvent = (
  op: string,
  type: string,
  name: string,
  component: string,
  of: string,
  { old = {}, new: after = {}, ...more }: { old?: object; new?: object; diffs?: string[] },
): EngineEvent => {
  const stack = "urn:pulumi:prod::open-webui-infrastructure";
  const parent =
    component === "Stack"
      ? `${stack}::pulumi:pulumi:Stack::open-webui-infrastructure-prod`
      : `${stack}::owui:fleet:${component}::${of}`;
  const metadata = { op, type, urn: `${stack}::${type}::${name}`, ...more };
  return {
    resourcePreEvent: {
      metadata: { ...metadata, old: { parent, ...old }, new: { parent, ...after } },
    },
  } as EngineEvent;
};
