import { randomBytes } from "node:crypto";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { check } from "./check.ts";
import { configurationChanges, parseConfiguration } from "./configuration.ts";
import { difference, inputsAfterRead } from "./diff.ts";
import { marked, refuseForeign, refuseUnmarked } from "./marker.ts";
import { fromStruct, hasUnknown, toStruct } from "./properties.ts";
import { checkFailures, diffResponse, method } from "./protocol.ts";
import type { AnyResource, Context, Provider } from "./resource.ts";
import { carriedOver, planned, withoutNotes } from "./state.ts";
import type { Status } from "./status.ts";
import type { Fields } from "./types.ts";

/** The resource's name in the program: what follows the third `::` of a URN, and may hold more of them. */
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** The resource type at the end of the URN's type chain (`…::parent$type::name`). */
const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";

/** What a provider's methods need beside the provider. */
export interface Surroundings {
  /** Of the SDK package; the engine compares it with what the program asked for. */
  version: string;
  status: Status;
  /** Aborted by Cancel, and by whatever ends the process: running operations stop with it. */
  stopped: AbortController;
}

/** The gRPC methods of a provider, over pulumirpc.ResourceProvider's messages. */
export const methodsOf = <C>(provider: Provider<C>, { version, status, stopped }: Surroundings) => {
  const settings = provider.config as unknown as Fields;
  // The engine configures a provider once, before it asks anything about resources.
  let client: { value: C } | undefined;

  const find = async (urn: string): Promise<AnyResource<C>> => {
    const type = typeOf(urn);
    const load = provider.resources[type];
    if (load) return load();
    const known = Object.keys(provider.resources).join(", ");
    throw new Error(`${type} is not built into the ${provider.name} stand-in, which has: ${known}`);
  };

  const context = (urn: string, cancelled: AbortSignal, seconds: number): Context<C> => {
    if (!client) throw new Error(`the ${provider.name} provider was used before it was configured`);
    const limits = seconds > 0 ? [AbortSignal.timeout(Math.ceil(seconds * 1000))] : [];
    const signal = AbortSignal.any([stopped.signal, cancelled, ...limits]);
    return { client: client.value, name: nameOf(urn), signal, status: (line) => status(urn, line) };
  };

  return {
    // Accepts nothing: the engine then opens secrets and resource references for us, and closes them again.
    handshake: method(() => new messages.ProviderHandshakeResponse()),
    attach: method(() => new empty.Empty()),
    getPluginInfo: method(() => new plugins.PluginInfo().setVersion(version)),

    // Marks the configuration as checked by a stand-in: what the engine keeps is what this answers.
    checkConfig: method((request: messages.CheckRequest) => {
      const news = fromStruct(request.getNews());
      return new messages.CheckResponse()
        .setInputs(toStruct(marked(news)))
        .setFailuresList(checkFailures(parseConfiguration(settings, news).failures));
    }),

    // Called when the state holds this provider already: the place to find a real plugin's.
    diffConfig: method((request: messages.DiffRequest) => {
      const olds = fromStruct(request.getOlds());
      refuseUnmarked(provider.name, olds);
      const changes = configurationChanges(olds, fromStruct(request.getNews()));
      return diffResponse({ changes, deleteBeforeReplace: false });
    }),

    // Refresh and destroy come here straight from the state, without a check: so the mark is looked for again.
    configure: method(async (request: messages.ConfigureRequest) => {
      const args = fromStruct(request.getArgs());
      refuseUnmarked(provider.name, args);
      client = { value: await provider.connect(parseConfiguration(settings, args).config) };
      return new messages.ConfigureResponse().setSupportspreview(true);
    }),

    check: method(async (request: messages.CheckRequest) => {
      const seed = request.getRandomseed_asU8();
      const { inputs, failures } = await check(await find(request.getUrn()), {
        name: nameOf(request.getUrn()),
        oldInputs: fromStruct(request.getOlds()),
        news: fromStruct(request.getNews()),
        seed: seed.length > 0 ? seed : randomBytes(32),
      });
      return new messages.CheckResponse()
        .setInputs(toStruct(inputs))
        .setFailuresList(checkFailures(failures));
    }),

    diff: method(async (request: messages.DiffRequest) => {
      const olds = fromStruct(request.getOlds());
      refuseForeign(provider.name, request.getUrn(), olds);
      return diffResponse(
        difference(await find(request.getUrn()), {
          olds,
          oldInputs: fromStruct(request.getOldInputs()),
          news: fromStruct(request.getNews()),
          ignored: request.getIgnorechangesList(),
        }),
      );
    }),

    // The state is the inputs, and over them what the operation found out.
    create: method(async (request: messages.CreateRequest, cancelled) => {
      const inputs = withoutNotes(fromStruct(request.getProperties()));
      const found = await find(request.getUrn());
      if (request.getPreview()) {
        return new messages.CreateResponse().setProperties(toStruct(planned(found, inputs, found.outputs)));
      }
      const scope = context(request.getUrn(), cancelled, request.getTimeout());
      const { id, state } = await found.create(inputs as never, scope);
      return new messages.CreateResponse().setId(id).setProperties(toStruct({ ...inputs, ...state }));
    }),

    read: method(async (request: messages.ReadRequest, cancelled) => {
      const [state, inputs] = [fromStruct(request.getProperties()), fromStruct(request.getInputs())];
      refuseForeign(provider.name, request.getUrn(), state);
      const found = await find(request.getUrn());
      const scope = context(request.getUrn(), cancelled, request.getTimeout());
      const current = found.read
        ? await found.read(request.getId(), state, scope)
        : { id: request.getId(), state };
      // An empty answer says that it is gone.
      if (!current) return new messages.ReadResponse();
      return new messages.ReadResponse()
        .setId(current.id)
        .setProperties(toStruct(current.state))
        .setInputs(toStruct(inputsAfterRead(found, { state, inputs }, current.state)));
    }),

    // An update keeps the id, even where the real thing is known by another name now.
    update: method(async (request: messages.UpdateRequest, cancelled) => {
      const [olds, news] = [fromStruct(request.getOlds()), fromStruct(request.getNews())];
      const found = await find(request.getUrn());
      const carried = carriedOver(found, olds, news);
      if (request.getPreview()) {
        const answer = planned(found, carried, found.updated ?? []);
        return new messages.UpdateResponse().setProperties(toStruct(answer));
      }
      if (!found.update) throw new Error(`${typeOf(request.getUrn())} cannot change in place`);
      const scope = context(request.getUrn(), cancelled, request.getTimeout());
      const state = await found.update(request.getId(), withoutNotes(news) as never, olds, scope);
      return new messages.UpdateResponse().setProperties(toStruct({ ...carried, ...state }));
    }),

    delete: method(async (request: messages.DeleteRequest, cancelled) => {
      const state = fromStruct(request.getProperties());
      refuseForeign(provider.name, request.getUrn(), state);
      const found = await find(request.getUrn());
      await found.delete(request.getId(), state, context(request.getUrn(), cancelled, request.getTimeout()));
      return new empty.Empty();
    }),

    // Functions run in previews, too: that is what they are for.
    invoke: method(async (request: messages.InvokeRequest, cancelled) => {
      const token = request.getTok();
      const run = provider.functions?.[token];
      if (!run) throw new Error(`${token} is not built into the ${provider.name} stand-in`);
      const args = fromStruct(request.getArgs());
      if (hasUnknown(args)) throw new Error(`${token} needs values that are not known yet`);
      return new messages.InvokeResponse().setReturn(toStruct(await run(args, context("", cancelled, 0))));
    }),

    // Running operations end with an error; what they had made by then is theirs to tell.
    cancel: method(() => {
      stopped.abort();
      return new empty.Empty();
    }),
  };
};
