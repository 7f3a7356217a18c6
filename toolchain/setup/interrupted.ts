import { run } from "./child.mjs";
import { enginesOf } from "./engines-of-state.ts";
import type { Checkpoint, CheckpointResource } from "./stack-state.ts";

/** A container or network that a run had begun to make. */
export interface Unfinished {
  kind: "container" | "network";
  name: string;
  /** As the run recorded it. */
  resource: CheckpointResource;
}

/** Containers before the networks they hang on. */
const kinds = [
  ["docker:index/container:Container", "container"],
  ["docker:index/network:Network", "network"],
] as const;

/** What a run had begun to make when it died: the engine may have it, the state does not. */
export const unfinished = (checkpoint: Checkpoint | undefined): Unfinished[] => {
  const begun = (checkpoint?.checkpoint.latest?.pending_operations ?? []).filter(
    ({ type }) => type === "creating",
  );
  return kinds.flatMap(([type, kind]) =>
    begun
      .filter(({ resource }) => resource.type === type)
      .map(({ resource }) => ({ kind, name: String(resource.inputs?.name), resource })),
  );
};

/**
 * Removes what a killed run made and could not record, so that its names are free again: neither a container nor a
 * network holds data. One that the state does know, or that bears another stack's label, stays.
 *
 * @returns the names of what was removed
 */
export async function removeUnfinished(stack: string, checkpoint: Checkpoint | undefined): Promise<string[]> {
  const known = new Set(checkpoint?.checkpoint.latest?.resources?.map(({ id }) => id));
  const removed: string[] = [];
  for (const { kind, name, resource } of unfinished(checkpoint)) {
    const [engine] = enginesOf(checkpoint, [resource]);
    if (!engine) continue;
    const labels = kind === "container" ? ".Config.Labels" : ".Labels";
    const format = `{{.Id}} {{index ${labels} "owui.stack"}}`;
    const seen = await run(engine.command([kind, "inspect", "--format", format, name]));
    const [id = "", owner] = seen.stdout.trim().split(" ");
    if (seen.code !== 0 || known.has(id) || owner !== stack) continue;
    await run(engine.command([kind, "rm", ...(kind === "container" ? ["--force"] : []), id]));
    removed.push(name);
  }
  return removed;
}
