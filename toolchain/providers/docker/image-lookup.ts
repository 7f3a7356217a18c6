import type { Context } from "../plugin/resource.ts";
import type { Engine } from "./engine.ts";

/** What the engine says about an image. */
export interface ImageInspect {
  Id: string;
  RepoDigests: string[] | null;
}

/** The engine's own copy, undefined if it has none. */
export const findLocal = (
  engine: Engine,
  name: string,
  signal: AbortSignal,
): Promise<ImageInspect | undefined> =>
  engine.find<ImageInspect>(`/images/${encodeURIComponent(name)}/json`, signal);

/** The name without tag or digest; a colon before the last slash belongs to the registry's port. */
export const repositoryOf = (name: string): string => {
  const [untagged = name] = name.split("@");
  const colon = untagged.indexOf(":", untagged.lastIndexOf("/") + 1);
  return colon < 0 ? untagged : untagged.slice(0, colon);
};

/** The engine reports a pull's failure inside a successful answer: one JSON object a line. */
const pullFailure = (progress: string): string | undefined =>
  progress
    .split("\n")
    .filter((line) => line.includes('"error"'))
    .map((line) => (JSON.parse(line) as { error?: string }).error)
    .find((error) => error !== undefined);

/** Pulls without credentials. */
const pull = async (engine: Engine, name: string, signal: AbortSignal): Promise<void> => {
  const repository = repositoryOf(name);
  const tag = name.slice(repository.length + 1) || "latest";
  const digest = name.split("@")[1];
  const query = new URLSearchParams({ fromImage: repository, tag: digest ?? tag });
  const failed = pullFailure(await engine.post(`/images/create?${query}`, signal));
  if (failed) throw new Error(failed);
};

/** An image of the engine by name; pulled only when it is not there. */
export const findOrPull = async (
  name: string,
  { client: engine, signal }: Pick<Context<Engine>, "client" | "signal">,
): Promise<ImageInspect> => {
  const local = await findLocal(engine, name, signal);
  if (local) return local;
  await pull(engine, name, signal).catch((error: Error) => {
    throw new Error(`unable to pull image ${name}: ${error.message}`);
  });
  const found = await findLocal(engine, name, signal);
  if (!found) throw new Error(`unable to find or pull image ${name}`);
  return found;
};
