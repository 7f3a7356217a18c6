import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Properties } from "../plugin/properties.ts";
import { type Context, IncompleteError, resource } from "../plugin/resource.ts";
import { type ContainerInputs, containerInputs } from "./container-inputs.ts";
import { adjustableSpec, attachmentSpec, containerSpec } from "./container-spec.ts";
import { type ContainerInspect, containerOutputs, containerState } from "./container-state.ts";
import { type Engine, unless } from "./engine.ts";
import { findOrPull } from "./image-lookup.ts";
import { type TarFile, tarArchive } from "./tar.ts";

type Docker = Context<Engine>;

const inspect = ({ client, signal }: Docker, id: string) =>
  client.get<ContainerInspect>(`/containers/${id}/json`, signal);

/** Runs a step; its failure reads like the real plugin's. */
const step = async <T>(what: string, done: Promise<T>): Promise<T> =>
  done.catch((error: Error) => {
    throw new Error(`${what}: ${error.message}`, { cause: error });
  });

/** Leaves the default bridge, which the container was made in, for the networks asked for. */
const attach = async (id: string, inputs: ContainerInputs, { client, signal }: Docker): Promise<void> => {
  if (!inputs.networksAdvanced?.length) return;
  const leaving = client.post("/networks/bridge/disconnect", signal, { Container: id, Force: false });
  await leaving.catch((error: Error) => {
    if (!error.message.includes("is not connected to")) throw error;
  });
  for (const network of inputs.networksAdvanced) {
    const path = `/networks/${encodeURIComponent(network.name)}/connect`;
    const what = `Unable to connect to network '${network.name}'`;
    await step(what, client.post(path, signal, attachmentSpec(id, network)));
  }
};

type Upload = NonNullable<ContainerInputs["uploads"]>[number];

/** One upload, its content from wherever it is given. */
const uploadFile = async (upload: Upload): Promise<TarFile> => {
  const { file, content, contentBase64, source, permissions, executable } = upload;
  if ([content, contentBase64, source].filter(Boolean).length !== 1) {
    throw new Error(`upload of ${file}: exactly one of content, contentBase64 and source must be given`);
  }
  const bytes = source
    ? await readFile(source)
    : Buffer.from(contentBase64 ?? content ?? "", contentBase64 ? "base64" : "utf8");
  return {
    path: file,
    content: bytes,
    mode: permissions ? Number.parseInt(permissions, 8) : executable ? 0o744 : 0o644,
  };
};

/** Unpacks all uploads at the root of the container, which does not run yet. */
const uploadAll = async (id: string, inputs: ContainerInputs, { client, signal }: Docker): Promise<void> => {
  if (!inputs.uploads?.length) return;
  const files = await Promise.all(inputs.uploads.map(uploadFile));
  const body = { content: tarArchive(files, Math.floor(Date.now() / 1000)), type: "application/x-tar" };
  const sent = client.send("PUT", `/containers/${id}/archive?path=%2F`, signal, body);
  await step("Unable to upload volume content", sent);
};

/** Starting what runs already is no error. */
const start = async (id: string, { client, signal }: Docker): Promise<void> => {
  await step("Unable to start container", client.post(`/containers/${id}/start`, signal));
};

/** How often the engine is asked while a container gets healthy. */
const healthInterval = 250;

/** Looks until the container is healthy; unhealthy is not the end, it may recover within the time. */
const waitUntilHealthy = async (id: string, seconds: number, context: Docker): Promise<void> => {
  const deadline = AbortSignal.timeout(seconds * 1000);
  while (!deadline.aborted) {
    context.signal.throwIfAborted();
    const { State: state } = await inspect(context, id);
    if (!state.Health) {
      throw new Error(
        "you have supplied a 'wait' argument, but the container does not have a healthcheck defined. " +
          "Please remove the 'wait' argument or add a 'healthcheck' attribute",
      );
    }
    if (state.Health.Status === "healthy") return;
    await sleep(healthInterval);
  }
  throw new Error("container failed to be in healthy state");
};

/** Everything after the engine knows the container: from here on a failure leaves something behind. */
const bringUp = async (id: string, inputs: ContainerInputs, context: Docker): Promise<void> => {
  await attach(id, inputs, context);
  await uploadAll(id, inputs, context);
  if (!inputs.start) return;
  await start(id, context);
  if (inputs.wait) await waitUntilHealthy(id, inputs.waitTimeout, context);
};

/** Makes and brings up a container; one that fails on the way is kept, with what is known of it. */
const create = async (inputs: ContainerInputs, context: Docker) => {
  const { client, signal } = context;
  const what = `Unable to create container with image ${inputs.image}`;
  await step(what, findOrPull(inputs.image, context));
  const path = `/containers/create?name=${encodeURIComponent(inputs.name)}`;
  const answer = await step("Unable to create container", client.post(path, signal, containerSpec(inputs)));
  const { Id: id } = JSON.parse(answer) as { Id: string };
  const failed = await bringUp(id, inputs, context).then(
    () => undefined,
    (error: Error) => error,
  );
  // With `rm` it may be gone already; and no signal here: the state is wanted even after a cancellation.
  const found = await client.find<ContainerInspect>(`/containers/${id}/json`);
  const state = found ? containerState(found, inputs as Properties) : (inputs as Properties);
  if (failed) throw new IncompleteError(failed.message, { id, state });
  return { id, state };
};

/** Whether the container was told to run and stands still in the state. */
const mustStart = (inputs: ContainerInputs, state: Properties): boolean =>
  inputs.mustRun && state.mustRun === false && inputs.start;

/** Starts what must run and adjusts what can be; health is not waited for, here as with the real plugin. */
const update = async (id: string, inputs: ContainerInputs, state: Properties, context: Docker) => {
  if (mustStart(inputs, state)) await start(id, context);
  const [asked, is] = [adjustableSpec(inputs), adjustableSpec(state as ContainerInputs)];
  if (JSON.stringify(asked) !== JSON.stringify(is)) {
    const updating = context.client.post(`/containers/${id}/update`, context.signal, asked);
    await step("Unable to update a container", updating);
  }
  return containerOutputs(await inspect(context, id));
};

/** Without destroyGraceSeconds the container is killed at once, as with the real plugin. */
const remove = async (id: string, state: Properties, { client, signal }: Docker): Promise<void> => {
  const grace = typeof state.destroyGraceSeconds === "number" ? state.destroyGraceSeconds : 0;
  const stopping = client.post(`/containers/${id}/stop?t=${grace}`, signal).catch(unless(404));
  await step(`Error stopping container ${id}`, stopping);
  const volumes = state.removeVolumes === false ? 0 : 1;
  const removing = client.send("DELETE", `/containers/${id}?v=${volumes}&force=1`, signal);
  // 404: gone already. 409: a container with `rm` is being removed by the engine.
  await step(`Error deleting container ${id}`, removing.catch(unless(404, 409)));
  await client.post(`/containers/${id}/wait?condition=removed`, signal).catch(unless(404));
};

/** A container: made, attached to its networks, started, and, if asked, waited for until it is healthy. */
export const container = resource<Engine>()({
  inputs: containerInputs,
  outputs: ["bridge", "containerLogs", "exitCode", "networkDatas", "platform"],
  autonamed: true,
  deleteBeforeReplace: true,
  create,
  read: async (id, state, { client, signal }) => {
    const found = await client.find<ContainerInspect>(`/containers/${id}/json`, signal);
    return found && { id: found.Id, state: containerState(found, state) };
  },
  update,
  delete: remove,
});
