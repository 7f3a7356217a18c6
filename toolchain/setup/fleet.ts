import { basename } from "node:path";
import { type Fleet, type FleetConfigError, parseFleet } from "../../components/fleet-config.ts";
import { plainKeys, type StackFile } from "./effective-config.ts";
import type { ClaimedPort } from "./machine-check.mjs";
import { dataHome, repository } from "./paths.mjs";
import type { Problem } from "./problem.mjs";

/** The fleet a stack's file declares. Secrets stay encrypted: what is done here needs none of them. */
export const fleetOf = (stack: string, source: StackFile): Fleet =>
  parseFleet(stack, veiled(unquoted(own(plainKeys(source.config)))) as Record<string, unknown>, {
    repository,
    dataHome,
  });

/** Without the settings of provider plugins, `digitalocean:token`. */
const own = (config: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !key.includes(":")));

/** Pulumi's CLI writes a truth value that stands right below `config` as a text. */
const unquoted = (config: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      value === "true" || value === "false" ? value === "true" : value,
    ]),
  );

/** Stands for a secret: a text that may stand wherever one may, also where an address is asked for. */
const veil = "https://encrypted.invalid";

/** A config with every `{secure: ciphertext}` replaced by a text, as the program sees it. */
const veiled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(veiled);
  if (typeof value !== "object" || value === null) return value;
  if ("secure" in value && Object.keys(value).length === 1) return veil;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, veiled(child)]));
};

/** A stack's config that is wrong, as problems beside those of the machine. */
export const configProblems = (file: string, error: FleetConfigError): Problem[] =>
  error.problems.map(({ path, found, remedy }) => ({
    what: `${basename(file)}: ${path}: ${found}`,
    why: "A fleet is only declared from a config that is right as a whole.",
    remedy,
  }));

/** Whether a host is this machine. */
const isHere = ({ kind }: Fleet["hosts"][number]): boolean => kind === "local";

/** Every port of this machine that the fleet listens on, with the container that holds it while it runs. */
export function claimedPorts({ stack, running, hosts, tenants, sync, monitoring }: Fleet): ClaimedPort[] {
  if (!running) return [];
  const controls = hosts.some((host) => host.id === sync.host && isHere(host));
  const container = (role: string) => `owui-${stack}-${role}`;
  return [
    ...hosts.filter(isHere).flatMap(({ id, http, https, agentPort }) => [
      ...[http, ...(https ? [https] : [])].map(({ port }) => ({
        ...{ port, use: `nginx of host ${id}`, container: container("nginx") },
      })),
      { port: agentPort, use: `the agent of host ${id}`, container: container("agent") },
    ]),
    ...(controls ? sync.nodes : []).map(({ id, port }) => ({
      port,
      use: `node ${id}`,
      container: container(`node-${id}`),
    })),
    ...(sync.database.kind === "embedded"
      ? [{ port: sync.database.port, use: "the replicas' Postgres", container: container("postgres") }]
      : []),
    ...(["prometheus", "alertmanager"] as const)
      .filter(() => monitoring.enabled && controls)
      .map((what) => ({ port: monitoring[what].port, use: what, container: container(what) })),
    ...tenants
      .filter((tenant) => tenant.running && hosts.some((host) => host.id === tenant.host && isHere(host)))
      .map(({ id, port }) => ({ port, use: `tenant ${id}`, container: container(`tenant-${id}`) })),
  ];
}
