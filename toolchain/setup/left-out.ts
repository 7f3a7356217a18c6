import type { Fleet } from "../../components/fleet-config.ts";
import { operatorUser } from "../../components/machine/set-up.ts";
import { type Problem, SetupError } from "./problem.mjs";
import type { Checkpoint, CheckpointResource } from "./stack-state.ts";

/** Components of which all belongs to one host. */
const ownTypes = ["Machine", "ClientHost", "Tenant", "Writer"].map((type) => `owui:fleet:${type}`);

/** What makes a run leave hosts as they are. */
export interface LeftOut {
  /** For the engine. */
  flags: string[];
  environment: Record<string, string>;
  /** Ids of the tenants that live there. */
  tenants: string[];
}

/**
 * How a run goes on without hosts that cannot be asked: nothing of them is touched, whatever their entries say now. What is
 * to be made there anew cannot be left out, and what was never set up has nothing that a run would have to see.
 *
 * @throws SetupError every host that cannot be left out, and why
 */
export function leaveOut(
  hosts: readonly string[],
  { hosts: declared, tenants }: Pick<Fleet, "hosts" | "tenants">,
  checkpoint: Checkpoint | undefined,
): LeftOut {
  const resources = checkpoint?.checkpoint.latest?.resources ?? [];
  const there = tenants.filter(({ host }) => hosts.includes(host));
  const problems = [
    ...hosts.flatMap((host) => unsuitable(host, declared, resources)),
    ...there.filter(({ id }) => !isMade(id, resources)).map(notYetMade),
  ];
  if (problems.length > 0) throw new SetupError(problems);
  const urns = hosts.flatMap((host) => resourcesOf(host, resources));
  return {
    flags: [...new Set(urns)].flatMap((urn) => ["--exclude", urn]),
    environment: hosts.length > 0 ? { OWUI_WITHOUT: hosts.join(" ") } : {},
    tenants: there.map(({ id }) => id),
  };
}

/**
 * Everything of a host in a state: what is in its engine, what a command does on it, and with these the whole of each
 * component that is the host's own, its machine, records and certificates included. Pure.
 */
export function resourcesOf(host: string, resources: readonly CheckpointResource[]): string[] {
  const login = loginOf(host, resources);
  const engine = resources.find(({ urn }) => nameOf(urn) === `${host}-docker`);
  const reaches = ({ inputs, provider }: CheckpointResource): boolean =>
    (engine !== undefined && provider === `${engine.urn}::${engine.id}`) ||
    (login !== undefined && wordsOf(inputs).some((word) => word === login || word.includes(`'${login}'`)));
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const ownerOf = (resource: CheckpointResource | undefined): string | undefined => {
    if (!resource) return undefined;
    return ownTypes.includes(resource.type) ? resource.urn : ownerOf(byUrn.get(resource.parent ?? ""));
  };
  const own = new Set(resources.filter(reaches).flatMap((resource) => ownerOf(resource) ?? []));
  return resources
    .filter((resource) => reaches(resource) || own.has(ownerOf(resource) ?? ""))
    .map(({ urn }) => urn);
}

/** What an ssh client of the fleet is told to connect to; undefined while the host was never set up. */
function loginOf(host: string, resources: readonly CheckpointResource[]): string | undefined {
  const equipped = resources.find(({ urn }) => nameOf(urn) === `${host}-machine-toolbox`);
  return wordsOf(equipped?.inputs).find((word) => word.startsWith(`${operatorUser}@`));
}

/** Texts of a command's inputs by which it reaches a machine. */
const wordsOf = (inputs: CheckpointResource["inputs"]): string[] =>
  [inputs?.interpreter, inputs?.create, inputs?.delete]
    .flat()
    .filter((word): word is string => typeof word === "string");

const nameOf = (urn: string): string => urn.split("::").at(-1) ?? urn;

const isMade = (tenant: string, resources: readonly CheckpointResource[]): boolean =>
  resources.some(({ type, urn }) => type === "owui:fleet:Tenant" && nameOf(urn) === tenant);

function unsuitable(
  host: string,
  declared: Fleet["hosts"],
  resources: readonly CheckpointResource[],
): Problem[] {
  const spec = declared.find(({ id }) => id === host);
  const what = `Host ${host} cannot be left out.`;
  if (!spec)
    return [
      {
        ...{ what, why: "The config declares no such host." },
        remedy: `Name one of these: ${declared.map(({ id }) => id).join(", ")}.`,
      },
    ];
  if (spec.kind === "local")
    return [{ what, why: "It is this machine.", remedy: "Leave it out of --without." }];
  if (loginOf(host, resources) === undefined)
    return [
      {
        ...{ what, why: "It was never set up, so there is nothing on it to be left as it is." },
        remedy:
          "Take its entry and its tenants' out of the config, or leave --without away: a host that is being made keeps no other from its changes.",
      },
    ];
  return [];
}

const notYetMade = ({ id, host }: Fleet["tenants"][number]): Problem => ({
  what: `Tenant ${id} cannot be made on host ${host}, which is left out.`,
  why: "It was not there in the last run.",
  remedy: "Put it on another host, or take its entry out until the host answers.",
});
