import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fleet } from "../../components/fleet-config.ts";
import { ChildError, must } from "../setup/child.mjs";
import { locked } from "../setup/lock.mjs";
import { stackFolder } from "../setup/paths.mjs";
import { SetupError } from "../setup/problem.mjs";
import type { Progress } from "../setup/progress.ts";
import type { Pulumi } from "../setup/pulumi.ts";
import { type Checkpoint, readCheckpoint } from "../setup/stack-state.ts";
import { type EngineEvent, nameOf, type Tally } from "./engine-events.ts";
import { runEngine } from "./update.ts";

/** Kinds that are taken over by their name, since they own data: what they are called in a server's refusal. */
const adoptable: Record<string, "role" | "database"> = {
  "postgresql:index/role:Role": "role",
  "postgresql:index/database:Database": "database",
};

/** One thing that is there already, as `pulumi import` is told of it. */
export interface Found {
  type: string;
  /** What the program declares it as. */
  name: string;
  /** What the server calls it. */
  id: string;
  /** Addresses of the component and the provider it belongs to. */
  parent: string;
  provider: string;
}

/** What an update could not make because it is there; pure. */
export function alreadyThere(events: readonly EngineEvent[]): Found[] {
  const refused = new Set(
    events
      .map(({ diagnosticEvent: said }) => said)
      .filter((said) => said?.severity === "error" && /\balready exists\b/.test(said.message))
      .map((said) => said?.urn),
  );
  return events.flatMap(({ resourcePreEvent: begun }) => {
    const { op, urn = "", type = "", provider = "", new: state } = begun?.metadata ?? {};
    const id = state?.inputs?.name;
    if (op !== "create" || !refused.has(urn) || !(type in adoptable) || typeof id !== "string") return [];
    // A provider is referred to by its address and its id.
    const address = provider.slice(0, provider.lastIndexOf("::"));
    return [{ type, name: nameOf(urn), id, parent: state?.parent ?? "", provider: address }];
  });
}

/** The file `pulumi import` reads; pure. */
export const importFile = (found: readonly Found[]): string => {
  const addresses = [...new Set(found.flatMap(({ parent, provider }) => [parent, provider]))];
  const nick = (address: string) => `address${addresses.indexOf(address)}`;
  return JSON.stringify({
    nameTable: Object.fromEntries(addresses.map((address) => [nick(address), address])),
    resources: found.map(({ type, name, id, parent, provider }) => ({
      ...{ type, name, id, parent: nick(parent), provider: nick(provider) },
    })),
  });
};

/**
 * An `up` that takes over what is in its way: roles and databases of the fleet's names come into the state as they are,
 * and are then made what they should be. It goes on as long as that brings it further.
 */
export async function adoptingUp(
  pulumi: Pulumi,
  flags: readonly string[],
  configFile: string,
  progress: Progress,
): Promise<Tally> {
  const adopted = new Set<string>();
  for (;;) {
    const events: EngineEvent[] = [];
    try {
      return await runEngine(pulumi, "up", flags, progress, (event) => events.push(event));
    } catch (error) {
      const found = alreadyThere(events).filter(({ name }) => !adopted.has(name));
      if (found.length === 0) throw error;
      progress(`takes over ${found.map(({ type, id }) => `${adoptable[type]} ${id}`).join(", ")}`);
      for (const { name } of found) adopted.add(name);
      await locked(`stack-${pulumi.stack}`, progress, () => importAll(pulumi, found, configFile));
    }
  }
}

async function importAll(pulumi: Pulumi, found: readonly Found[], configFile: string): Promise<void> {
  const file = join(stackFolder(pulumi.stack), "import.json");
  await writeFile(file, importFile(found), { mode: 0o600 });
  const flags = ["--yes", "--skip-preview", "--generate-code=false", "--protect=false"];
  const command = ["import", "--file", file, ...flags, "--config-file", configFile];
  const outcome = await pulumi.run(command);
  if (outcome.code !== 0)
    throw new ChildError("What is there already could not be taken over.", ["pulumi", ...command], outcome);
}

/** A machine that no state knows would be bought once more, and its address and volume with it. */
function refuseMachines(checkpoint: Checkpoint | undefined, hosts: Fleet["hosts"]): void {
  const known = (checkpoint?.checkpoint.latest?.resources ?? []).filter(({ type }) =>
    type.endsWith(":Droplet"),
  );
  const bought = hosts.filter(({ kind }) => kind === "digitalocean");
  if (known.length >= bought.length) return;
  throw new SetupError([
    {
      what: `The state knows ${known.length} of ${bought.length} droplets.`,
      why: "Machines are not taken over: new ones would be made beside those that are there.",
      remedy:
        "Use the recovery kit (docs/recovery.md), or import the machines one by one: npm run pulumi -- import. A host that is new is left out of the config until the rest is taken over.",
    },
  ]);
}

/** Ids of what the engine has under the stack's label and its state does not know; pure. */
export function strangers(checkpoint: Checkpoint | undefined, ids: readonly string[]): string[] {
  const known = new Set((checkpoint?.checkpoint.latest?.resources ?? []).map(({ id }) => id));
  return ids.filter((id) => !known.has(id));
}

/**
 * Removes the stack's containers and networks on this machine that its state does not know: their names are in the way,
 * and they hold no data. What they did, the next `up` starts again.
 */
export async function removeStrangers(stack: string, { hosts }: Pick<Fleet, "hosts">): Promise<string> {
  const checkpoint = await readCheckpoint(stack);
  refuseMachines(checkpoint, hosts);
  const label = `label=owui.stack=${stack}`;
  const listed = async (...list: string[]) =>
    (
      await must(["docker", ...list, "--quiet", "--no-trunc", "--filter", label], {
        failure: "Docker does not answer.",
      })
    )
      .split("\n")
      .filter(Boolean);
  const containers = strangers(checkpoint, await listed("ps", "--all"));
  const networks = strangers(checkpoint, await listed("network", "ls"));
  const failure = "What an earlier state of the stack left in Docker could not be removed.";
  if (containers.length > 0) await must(["docker", "rm", "--force", ...containers], { failure });
  if (networks.length > 0) await must(["docker", "network", "rm", ...networks], { failure });
  return `${containers.length} containers and ${networks.length} networks of a lost state removed, their data kept`;
}
