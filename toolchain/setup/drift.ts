import { ChildError, run } from "./child.mjs";
import { type EngineOfState, enginesOf } from "./engines-of-state.ts";
import type { Progress } from "./progress.ts";
import type { Pulumi } from "./pulumi.ts";
import { isLocked, lockHolders, StackLockedError } from "./stack-lock.ts";
import { type Checkpoint, type CheckpointResource, readCheckpoint } from "./stack-state.ts";
import type { Steps } from "./steps.mjs";

/** What the engine has, as its ids: containers only while they run. */
export interface EngineContents {
  containers: ReadonlySet<string>;
  networks: ReadonlySet<string>;
  /** Names with their tags. */
  images: ReadonlySet<string>;
}

/** Where the state is wrong about the engine, as addresses of resources. */
export interface Drift {
  /** Stopped or gone: a refresh sees it. */
  lost: string[];
  /** Images built here that are gone: a refresh takes their word for it, so they are to be made anew. */
  unbuilt: string[];
}

/** Compares a state with the engine; pure. */
export function driftOf(resources: readonly CheckpointResource[], has: EngineContents): Drift {
  const missing = (type: string, ids: ReadonlySet<string>) =>
    resources.filter(({ type: of, id }) => of === type && id && !ids.has(id)).map(({ urn }) => urn);
  return {
    lost: [
      ...missing("docker:index/container:Container", has.containers),
      ...missing("docker:index/network:Network", has.networks),
    ],
    unbuilt: missing("docker:index/image:Image", has.images),
  };
}

/**
 * Tells the state what the engine lost since the last run, which the next would take for granted. Only that is
 * refreshed: whole, a refresh asks a Postgres that may not run.
 *
 * @returns flags by which the next run makes anew what no refresh notices
 */
export async function noticeLosses(steps: Steps, pulumi: Pulumi, configFile: string): Promise<string[]> {
  const { lost, unbuilt } = await findDrift(await readCheckpoint(pulumi.stack));
  if (lost.length > 0) {
    await steps.run("losses", async (progress: Progress) => {
      progress("looking at what stopped or went away since the last run");
      const targets = lost.flatMap((urn) => ["--target", urn]);
      const refresh = ["refresh", "--yes", "--skip-preview", "--config-file", configFile, ...targets];
      const outcome = await pulumi.run(refresh);
      if (isLocked(outcome.stderr)) throw new StackLockedError(pulumi.stack, lockHolders(outcome.stderr));
      if (outcome.code !== 0)
        throw new ChildError("The engine's losses could not be noted.", ["pulumi", ...refresh], outcome);
      return `${lost.length} containers or networks stopped or went away since the last run`;
    });
  }
  return unbuilt.flatMap((urn) => ["--replace", urn]);
}

/** Compares with the engines as they are. */
async function findDrift(checkpoint: Checkpoint | undefined): Promise<Drift> {
  const found = await Promise.all(enginesOf(checkpoint).map(driftOn));
  return { lost: found.flatMap(({ lost }) => lost), unbuilt: found.flatMap(({ unbuilt }) => unbuilt) };
}

const none: Drift = { lost: [], unbuilt: [] };

/** Compares with one engine; one that has nothing of the state is not asked, and one that does not answer lost nothing. */
async function driftOn({ command, remote, resources }: EngineOfState): Promise<Drift> {
  const empty: ReadonlySet<string> = new Set();
  const all = driftOf(resources, { containers: empty, networks: empty, images: empty });
  if (all.lost.length + all.unbuilt.length === 0) return none;
  const lists = await Promise.all([
    run(command(["ps", "--no-trunc", "--quiet"])),
    run(command(["network", "ls", "--no-trunc", "--quiet"])),
    run(command(["images", "--format", "{{.Repository}}:{{.Tag}}"])),
  ]);
  if (remote && lists.some(({ code }) => code !== 0)) return none;
  const [containers = empty, networks = empty, images = empty] = lists.map(
    ({ stdout }): ReadonlySet<string> => new Set(stdout.split("\n").filter(Boolean)),
  );
  return driftOf(resources, { containers, networks, images });
}
